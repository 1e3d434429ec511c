"""What is counted of a dialogue: the checks that fire on its user's turns, leaks, and how its plan came out.

The names are those by which the rows of bounds.toml divide one count by another.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from dialogue import markers
from dialogue.draft import Draft, read
from dialogue.faults import CHECKS, user_flags
from dialogue.records import Dialogue, Message
from evaluator.corpus.planned import RECALLS, REPAIRS, Plan

SIDES = ("user", "assistant")
_QUESTION = re.compile("[?？؟]")
_END_SIGN = re.compile("[⟦⟧]")
"""Around the word by which a run's simulated user ends a dialogue."""
_PERSONA_CHARACTERS = 12
"""A shorter description stands in texts by chance."""
_ROLE_EXCHANGE = ("assistant_start", "help_desk", "shape")
_COPIES = ("turn_copy", "opener_resent")
_UNCOPIED = ("math",)
"""Sectors whose users rightly say one sentence again with another number in it."""
_LONG = 4
"""Rounds from which on a user can come back to something."""
_CACHE_ROUNDS = 4


def counted(dialogue: Dialogue, users: Sequence[int], plan: Plan | None) -> Counter[str]:
    """All counts of a dialogue; `users` are the places of the user's messages."""
    found = Counter(dialogues=1, follow_ups=max(0, len(users) - 1))
    acts = dict(plan.acts) if plan else {}
    for number, place in enumerate(users[1:], 2):
        found.update(_of_turn(dialogue, place, acts.get(number), last=place == users[-1]))
    found["leaks"] = sum(_leaks(message, dialogue) for message in dialogue.messages if message.role in SIDES)
    found.update(_of_plan(dialogue, plan, len(users)))
    return found


def _of_turn(dialogue: Dialogue, place: int, act: str | None, *, last: bool) -> Iterator[str]:
    """The names under which a follow-up counts."""
    text, language = dialogue.messages[place].content, dialogue.seed.language
    draft = read(text, dialogue.messages[:place], act, language)
    if _QUESTION.search(text):
        yield "questions"
    if _thanks(draft):
        yield "thanks"
    if user_flags(text, language=language):
        yield "praise"
    if not last:
        yield "middle_turns"
    if fires(draft, "thanks_only"):
        yield "thanks_only"
        if not last:
            yield "middle_thanks_only"
    if any(fires(draft, check) for check in _ROLE_EXCHANGE):
        yield "role_exchange"
    if dialogue.sector not in _UNCOPIED:
        yield "copiable"
        if any(fires(draft, check) for check in _COPIES):
            yield "copies"
    if language is not None:
        yield "planned_language"
        if fires(draft, "language"):
            yield "wrong_language"


def fires(draft: Draft, check: str) -> bool:
    """Whether a check of dialogue.faults has something to say of the turn."""
    return CHECKS[check][1](draft) is not None


def _thanks(draft: Draft) -> bool:
    found = draft.lists.thanks.find(draft.plain, draft.vocabulary)
    return found is not None and draft.lists.no_thanks.find(draft.plain) is None


def _leaks(message: Message, dialogue: Dialogue) -> bool:
    """Whether the machinery shows: the end signal, a control token, reasoning, the person's own description."""
    text, persona = message.content, dialogue.seed.persona
    if _END_SIGN.search(text) or (persona and len(persona) >= _PERSONA_CHARACTERS and persona in text):
        return True
    if "<" not in text and "[" not in text and "#" not in text and "◁" not in text:
        return False
    draft = read(text, (), None, dialogue.seed.language)
    return markers.template_token(draft) is not None or markers.think_tag(draft) is not None


def _of_plan(dialogue: Dialogue, plan: Plan | None, users: int) -> Counter[str]:
    """How the dialogue ended by its plan, and what of the simulator's prompt the server had in its cache."""
    found: Counter[str] = Counter()
    usage = dialogue.usage.get("user")
    if usage and users == _CACHE_ROUNDS and usage.cached_tokens is not None and usage.prompt_tokens:
        found.update(prompt_tokens=usage.prompt_tokens, cached_tokens=usage.cached_tokens)
    if plan is None:
        return found
    acts = {act for _, act in plan.acts}
    found.update(planned=1, repaired=bool(acts & REPAIRS), held=plan.held, released=plan.released)
    if users >= _LONG:
        found.update(long=1, recalled=bool(acts & RECALLS))
    if plan.rounds is not None:
        cut = dialogue.stop != "user_stopped" and users < plan.rounds
        found.update(bounded=1, capped=cut)
    return found
