"""A whole conversation in one text, as a transcript prompt asks for it."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from generator.builtin.answers import answer
from generator.builtin.faults import planted
from generator.builtin.grammar import Grammar, capital
from generator.builtin.languages import LANGUAGES
from generator.builtin.lists import SPEC
from generator.builtin.marks import Mark
from generator.builtin.notes import SIGN, Wanted, Wording
from generator.builtin.stream import Stream
from generator.builtin.turns import user_turn
from prompts.loader import Prompts

HUMAN, AI = "[Human]", "[AI]"
RATES = {"unanswered": 0.008, "twice": 0.008, "remark": 0.004}
"""Share of transcripts that cannot be read, by fault, where none was told to be mended.

unanswered  the last message is the person's
twice       the person speaks twice running
remark      words before the first tag
"""
TURN_FAULTS = 0.25
"""The rates of faulty turns, times this: a transcript has several."""
PLAIN: dict[str, object] = {
    "rounds": 2,
    "language": "",
    "foreign": False,
    "situation": "",
    "concern": "",
    "habits": (),
    "goal": "",
    "seed": "",
    "held": (),
    "belief": None,
    "lines": (),
    "again": None,
}


class Asked(NamedTuple):
    """What a transcript prompt asks for."""

    language: str
    seed: str
    lines: list[str]
    again: bool


class Form(NamedTuple):
    """How a language's transcript prompts are told."""

    head: str
    seed: Mark
    again: str


@cache
def _forms() -> Mapping[str, Form]:
    prompts = Prompts()
    return {language: _form(prompts, language) for language in LANGUAGES}


def _form(prompts: Prompts, language: str) -> Form:
    def rendered(**changed: object) -> str:
        return prompts.render(f"languages/{language}/transcript.j2", **(PLAIN | changed))

    text = rendered(seed=SIGN, again=SIGN)
    before = text.partition(SIGN)[0].split("\n")[-1]
    again = text.rpartition(SIGN)[0].split("\n")[-1]
    return Form(text.split("\n")[0], Mark(f"\n{before}", "\n"), f"\n{again}")


def asked(prompt: str) -> Asked | None:
    """What the prompt asks for; None where it asks for no transcript."""
    if HUMAN not in prompt:
        return None
    for language, form in _forms().items():
        if prompt.startswith(form.head):
            return Asked(language, form.seed.find(prompt) or "", SPEC.findall(prompt), form.again in prompt)
    return None


def transcript(
    wanted: Asked, wording: Wording, grammar: Grammar, stream: Stream, wrong_share: float, faults: float
) -> str:
    """The conversation, a message for each line and an answer to each."""
    factor = 0.0 if wanted.again else faults
    spec = wording.spec(wanted.lines[0]) if wanted.lines else Wanted(wanted.language)
    first = wanted.seed
    if spec.fact:
        first = grammar.joint.join((first, f"{capital(grammar.own(spec.fact))}{grammar.stop_mark}"))
    turns, answers = [first], [answer([first], wanted.language, grammar, stream, wrong_share, 0)]
    for line in wanted.lines[1:]:
        note = wording.note(line) or Wanted(wanted.language)
        turns.append(user_turn(note, turns, answers[-1], grammar, stream, factor * TURN_FAULTS))
        answers.append(answer(turns, wanted.language, grammar, stream, wrong_share, 0))
    parts = [f"{HUMAN} {turn}\n{AI} {said}" for turn, said in zip(turns, answers, strict=True)]
    return _spoilt(planted(RATES, factor, stream), parts)


def _spoilt(fault: str | None, parts: list[str]) -> str:
    text = "\n".join(parts)
    if fault == "unanswered":
        return text[: text.rindex(f"\n{AI}")]
    if fault == "twice":
        return f"{HUMAN} ...\n{text}"
    return f"...\n\n{text}" if fault == "remark" else text
