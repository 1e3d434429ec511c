"""Turns: who speaks when, that everybody says something, and how many rounds there are."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import ClassVar, Literal

from dialogue.records import Dialogue, Message
from filters.engine.base import Drop, Limits, Measure, Verdict
from filters.engine.messages import evidence

_FOLLOWS: dict[str, tuple[str, ...]] = {
    "start": ("system", "user"),
    "system": ("user",),
    "user": ("assistant",),
    "assistant": ("user",),
    "call": ("tool",),
    "tool": ("tool", "assistant"),
}
"""Who may speak after whom; an assistant's message with tool calls is a `call`."""
_NOTHING = "\"'*.…-_ \n\t"
_MISSING = frozenset(("n/a", "nan", "<noinput>", "<nooutput>"))
"""What stands for nothing in published rows: AlpacaDataCleaned lists them, pandas writes nan."""


class Turns(Limits):
    """A system message at most, then user and assistant by turns, from a user's turn to an answer, none of them empty.

    Tool messages stand between an assistant's tool calls and its answer. A round is a user message that is answered.

    Reasons: `order` (a role speaks out of turn), `starts`, `ends`, `empty`, `rounds`, `no_answer` where the user speaks
    and nobody answers, and `nothing` where the user does not speak.
    """

    edits: ClassVar[bool] = True
    whole: ClassVar[frozenset[str]] = frozenset({"rounds"})

    ends: Literal["trim", "drop"] = "trim"
    """What to do where a dialogue does not begin with the user or end with an answer: cut those messages off, as
    OpenChat's cleaning does with a leading assistant turn and a trailing user turn, or drop it."""
    least_rounds: float | None = 1
    """Rounds; OpenChat and Vicuna reject what has none."""
    most_rounds: float | None = None
    """Rounds; no source sets one."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The number of rounds."""
        spoken = [message.role for message in dialogue.messages if message.role in ("user", "assistant")]
        rounds = sum(pair == ("user", "assistant") for pair in pairwise(spoken))
        last = len(dialogue.messages) - 1
        return {"rounds": Measure(rounds, evidence(last, dialogue.messages[last].content))}

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, trimmed where it has to be."""
        ordered = self._ordered(dialogue)
        return ordered if isinstance(ordered, Drop) else super().apply(ordered)

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts, with rounds where everybody spoke in turn."""
        for dialogue in dialogues:
            ordered = self._ordered(dialogue)
            yield Verdict(ordered) if isinstance(ordered, Drop) else next(super().verdicts([ordered]))

    def _ordered(self, dialogue: Dialogue) -> Dialogue | Drop:
        messages = trimmed(dialogue.messages) if self.ends == "trim" else dialogue.messages
        if not any(message.role == "user" for message in messages):
            asked = [number for number, message in enumerate(dialogue.messages) if message.role == "user"]
            if asked:
                return Drop("no_answer", evidence(asked[-1], dialogue.messages[asked[-1]].content))
            return Drop("nothing", evidence(0, dialogue.messages[0].content if dialogue.messages else ""))
        if fault := _fault(messages):
            return fault
        if len(messages) == len(dialogue.messages):
            return dialogue
        return dialogue.model_copy(update={"messages": messages})


def trimmed(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages from the user's first, the system message before it kept, to the last answer."""
    begin = next((number for number, message in enumerate(messages) if message.role == "user"), len(messages))
    end = len(messages)
    while end > begin and _speaker(messages[end - 1]) != "assistant":
        end -= 1
    system = messages[:1] if begin > 0 and messages[0].role == "system" else ()
    if len(system) == begin and end == len(messages):
        return messages
    return system + messages[begin:end]


def _speaker(message: Message) -> str:
    return "call" if message.role == "assistant" and message.tool_calls else message.role


def _fault(messages: Sequence[Message]) -> Drop | None:
    before = "start"
    for number, message in enumerate(messages):
        if message.role not in _FOLLOWS[before]:
            return Drop("starts" if before == "start" else "order", evidence(number, message.content, after=before))
        before = _speaker(message)
        if before in ("user", "assistant") and _empty(message.content):
            return Drop("empty", evidence(number, message.content, role=before))
    last = len(messages) - 1
    return None if before == "assistant" else Drop("ends", evidence(last, messages[last].content, role=before))


def _empty(text: str) -> bool:
    bare = text.strip(_NOTHING)
    return not bare or (len(bare) < 12 and bare.lower() in _MISSING)
