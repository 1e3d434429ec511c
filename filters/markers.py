"""Markers: traces of chat templates, prompts and reasoning in what was said."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Literal, NamedTuple, get_args

from dialogue import markers
from dialogue.draft import Draft, without_code
from dialogue.faults import OPENER_CHECKS
from dialogue.records import Dialogue
from dialogue.tongues import normal
from dialogue.wordlists import phrases, wordlists
from filters.engine.base import Drop, Filter
from filters.engine.messages import Needles, draft_of, evidence, needles

Check = Literal["sentinel", "think_tag", "template_token", "slot", "role_marker", "placeholder", "meta"]
CHECKS: tuple[Check, ...] = get_args(Check)

_SENTINEL = re.compile(r"⟦[^⟦⟧\s]{1,40}⟧")
_SLOT = re.compile(
    r"(?<![\w}\]\\^$])\{\{-? ?[a-z_][a-z0-9_.]* ?-?\}\}|\{% ?(?:if|elif|else|endif|for|endfor|set)\b[^%{}\n]{0,80}%\}"
)
_SCRIPT_WORDS = ("[end]", "[eos]", "[stop]", "[done]")
"""Tokens that are words of a script or a list in longer texts."""
_AROUND = "*_[](<># 0123456789"
"""Marks and numbers around a speaker's name."""
_LABEL = 50
"""Characters of a line's start in which a speaker's name stands."""


class Markers(Filter):
    """What a prompt, a chat template or a model's machinery has left behind; code, quotes and URLs are not read.

    Reasons, and where they are looked for:
    `sentinel` (the sign by which our simulated user ends a dialogue, `⟦ab12cd⟧`), `template_token` (`<|im_end|>`,
    `[|Human|]`, `[AI]`, `### Instruction:`), `slot` (`{{topic}}`, `{% if %}` that was never rendered): system, user and
    assistant; `think_tag` (`<think>`), `role_marker` (`Human:` at the start of a line, in openers of the first line, in
    answers only where the user has not named that speaker): user and assistant; `placeholder` (`[Your name]`), `meta`
    ("goal card", "user simulator"): user. Answers may have placeholders: letters do.
    """

    checks: tuple[Check, ...] = CHECKS
    """What is looked for. All of them fire on 0.3 % of 700 UltraChat dialogues (an assistant's `AI:`), none of 1,388
    MT-Bench-101 dialogues, and 1 % of Self-Instruct's seed tasks (placeholders in the user's own letters)."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """Drop for the first trace."""
        near = _worth_a_look(dialogue)
        opened = False
        for number, message in enumerate(dialogue.messages if near else ()):
            speaker = "opener" if message.role == "user" and not opened else message.role
            opened = opened or message.role == "user"
            low = normal(without_code(message.content))
            checks = [check for check in near if check in self.checks and _RULES[check].may_fire(speaker, low)]
            if checks:
                draft = draft_of(dialogue, number)
                for check in checks:
                    if found := _RULES[check].by_speaker[speaker](draft):
                        at = max(0, normal(message.content).find(found))
                        return Drop(check, evidence(number, message.content, at, phrase=found))
        return dialogue


def _sentinel(draft: Draft) -> str | None:
    found = _SENTINEL.search(draft.plain)
    return found[0] if found else None


def _slot(draft: Draft) -> str | None:
    found = _SLOT.search(draft.plain)
    return found[0] if found else None


def _token(draft: Draft) -> str | None:
    return markers.template_token(draft) or _bracketed_role(draft)


def _answer_token(draft: Draft) -> str | None:
    found = _token(draft)
    return None if found in _SCRIPT_WORDS else found


def _bracketed_role(draft: Draft) -> str | None:
    """Baize's [Human] and [AI]."""
    found = _known(draft.language).bracketed.search(draft.plain) if "[" in draft.plain else None
    return found[0].strip() if found else None


def _answer_role(draft: Draft) -> str | None:
    """A speaker's name that the user has not named: who asks for a dialogue of a user and a bot gets one."""
    found = markers.role_marker(draft)
    if found is None:
        return None
    asked = next((message.content for message in reversed(draft.history) if message.role == "user"), "")
    return None if phrases([found.strip(_AROUND + ":")]).find(normal(asked)) else found


Finder = Callable[[Draft], str | None]


class _Rule(NamedTuple):
    traces: tuple[str, ...]
    """One of them is in every text, in the form of `normal`, on which the check fires; none where phrases tell."""
    by_speaker: Mapping[str, Finder]
    """The check for each speaker; `opener` is the user's first message."""

    def may_fire(self, speaker: str, low: str) -> bool:
        """Whether the check is worth its while."""
        return speaker in self.by_speaker and (not self.traces or any(map(low.__contains__, self.traces)))


def _every(finder: Finder, speakers: str) -> dict[str, Finder]:
    return dict.fromkeys(speakers.split(), finder)


_RULES: dict[Check, _Rule] = {
    "sentinel": _Rule(("⟦",), _every(_sentinel, "system opener user assistant")),
    "think_tag": _Rule(("<", "◁"), _every(markers.think_tag, "opener user assistant")),
    "template_token": _Rule(
        ("<", "[", "##"), {**_every(_token, "opener user"), **_every(_answer_token, "system assistant")}
    ),
    "slot": _Rule(("{{", "{%"), _every(_slot, "system opener user assistant")),
    "role_marker": _Rule(
        (":",), {"opener": OPENER_CHECKS["marker"], "user": markers.role_marker, "assistant": _answer_role}
    ),
    "placeholder": _Rule(("[", "{", "<"), _every(markers.placeholder, "opener user")),
    "meta": _Rule((), _every(OPENER_CHECKS["meta"], "opener user")),
}
_TRACES = sorted({trace for rule in _RULES.values() for trace in rule.traces})


def _worth_a_look(dialogue: Dialogue) -> list[Check]:
    """The checks that may fire on a message: for most dialogues none."""
    low = normal("\n".join([message.content for message in dialogue.messages if message.role == "user"]))
    known = _known(dialogue.seed.language)
    phrased = known.meta.in_(low)
    low += normal("\n".join(["", *(m.content for m in dialogue.messages if m.role in ("system", "assistant"))]))
    held = {trace for trace in _TRACES if trace in low}
    if ":" in held and not _labels(low, known.names):
        held.remove(":")
    near = [check for check, rule in _RULES.items() if not held.isdisjoint(rule.traces)] if held else []
    return [*near, "meta"] if phrased else near


def _labels(low: str, names: tuple[str, ...]) -> bool:
    """Whether a line may start with a speaker's name and a colon."""
    for before in low.split(":")[:-1]:
        label = before.rsplit("\n", 1)[-1]
        if len(label) <= _LABEL and (label.endswith(")") or label.rstrip(_AROUND).endswith(names)):
            return True
    return False


class _Known(NamedTuple):
    names: tuple[str, ...]
    bracketed: re.Pattern[str]
    meta: Needles


@lru_cache(maxsize=64)
def _known(language: str | None) -> _Known:
    """The speakers' names of a language and of English, of all where it is None."""
    lists = wordlists(language)
    names = "|".join(sorted(map(re.escape, lists.roles.every), key=len, reverse=True))
    bracketed = re.compile(rf"^\s{{0,3}}\[(?:{names})\]", re.MULTILINE)
    return _Known(lists.roles.every, bracketed, needles(lists.opener_meta.every))
