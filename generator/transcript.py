"""A whole conversation in one text, as one request writes it: what is asked for, and how the answer is read.

Baize's reader drops the last exchange and all that follows a broken turn (docs/sectors.md). Here a transcript is read
strictly: what does not alternate from [Human] to [AI] to the end is no transcript, and nothing of one is dropped.
"""

import re
from collections.abc import Sequence

from dialogue.faults import Fault, opener_fault, unwrap, user_fault
from dialogue.records import Message, Role
from generator.user.acts import TurnPlan
from generator.user.script import Script, opener_spec
from prompts.loader import Prompts
from prompts.names import HOME

TAGS: dict[str, Role] = {"Human": "user", "AI": "assistant"}
_TAG = re.compile(r"^\[(Human|AI)\][:：]?[ \t]*", re.MULTILINE)


def parse(text: str) -> list[tuple[Role, str]]:
    """Who says what, in turn: a human first, an AI last. Raises ValueError, with the place, for any other text."""
    before, *parts = _TAG.split(text.replace("\r\n", "\n").removeprefix("\ufeff"))
    if not parts:
        raise ValueError("no line begins with [Human] or [AI]")
    if before.strip():
        raise ValueError(f"{before.strip()[:40]!r} stands before the first tag")
    said: list[tuple[Role, str]] = []
    for number, (tag, words) in enumerate(zip(parts[::2], parts[1::2], strict=True), 1):
        expected = ("Human", "AI")[(number - 1) % 2]
        if tag != expected:
            raise ValueError(f"message {number} is [{tag}]'s, expected [{expected}]")
        if not words.strip():
            raise ValueError(f"message {number}, [{tag}]'s, is empty")
        said.append((TAGS[tag], words.strip()))
    if said[-1][0] != "assistant":
        raise ValueError(f"message {len(said)} is [Human]'s and has no answer")
    return said


def plans(script: Script) -> list[TurnPlan]:
    """What each message of the person after the first one does, drawn before there are answers to look at."""
    found: list[TurnPlan] = []
    for number in range(2, script.rounds + 1):
        found.append(script.turn(number, found, ""))
    return found


def request(prompts: Prompts, script: Script, run_seed: int, id: str, again: str | None = None) -> str:
    """The prompt for the conversation of a script; `again` is what was wrong with the last attempt."""
    first = opener_spec(prompts, script.column, script.language, run_seed, id)["line"]
    notes = [script.note(prompts, plan, may_end=False, sentinel="") for plan in plans(script)]
    return prompts.render(
        f"{HOME}/{script.tongue.folder}/transcript.j2",
        rounds=script.rounds,
        language=script.tongue.name,
        foreign=script.tongue.foreign,
        situation=script.persona.situation,
        concern=script.persona.concern,
        habits=script.persona.habits,
        goal=script.goal.line,
        seed=script.topic or "",
        held=script.goal.texts(told=False),
        belief=script.goal.misconception,
        lines=[" ".join(line.split()) for line in (first, *notes)],
        again=again,
    )


def fault_of(said: Sequence[tuple[Role, str]], script: Script, rounds: tuple[int, int]) -> Fault | None:
    """What is wrong with a conversation that could be read: its length, or a message of the person's in it."""
    count = len(said) // 2
    if not rounds[0] <= count <= rounds[1]:
        return Fault("bad_reply", "rounds", f"{count} rounds, expected {rounds[0]} to {rounds[1]}")
    acts = [plan.act for plan in plans(script)]
    history: list[Message] = []
    for number, (role, text) in enumerate(said):
        fault = None
        if number == 0:
            fault = opener_fault(text, script.language)
        elif role == "user":
            act = acts[number // 2 - 1] if number // 2 <= len(acts) else None
            fault = user_fault(unwrap(text), history, act=act, language=script.language)
        elif any(message.content == text for message in history if message.role == "assistant"):
            fault = Fault("repeat", "answer_repeated", text[:80])
        if fault is not None:
            return Fault(fault.reason, fault.check, f"message {number + 1}: {fault.evidence}")
        history.append(Message(role=role, content=text))
    return None
