"""The brief: what a model that was taught the user's side is told of the person whose turns it writes.

UserLM (arXiv 2510.06552) conditions on such an intent in the system message. Training and run both make it here, of
what a record's seed tells, so that a model is asked as it was taught.
"""

from collections.abc import Mapping
from typing import Any

from dialogue.errors import UsageError
from dialogue.records import Seed
from prompts.loader import Prompts
from prompts.names import FALLBACK, HOME, folder


def brief(prompts: Prompts, seed: Seed) -> str | None:
    """Who the person is, what it is about, what they want and what stands behind it, in the language of the dialogue.

    None where the seed knows neither the person nor a goal, as that of a dialogue from elsewhere.
    """
    goal = _table(seed.extra.get("goal"))
    line = goal.get("line")
    if not seed.persona and not line:
        return None
    facts = [fact for fact in goal.get("facts") or () if isinstance(fact, dict) and fact.get("text")]
    return prompts.render(
        f"{HOME}/{_folder(prompts, seed.language or FALLBACK)}/brief.j2",
        situation=seed.persona,
        topic=seed.subtopic or seed.topic,
        goal=line,
        told=[fact["text"] for fact in facts if fact.get("state") != "held"],
        held=[fact["text"] for fact in facts if fact.get("state") == "held"],
    )


def _folder(prompts: Prompts, language: str) -> str:
    """The folder of a language; of one that nobody knows, as data from elsewhere may name, the English one."""
    try:
        return folder(prompts, language)
    except UsageError:
        return FALLBACK


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
