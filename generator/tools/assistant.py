"""The assistant's side where it has tools: a thought, then commands or an answer, asked again where it is neither.

To the endpoint all of it is text, so that any model can play: its own turns stand in the shape that is asked of them,
and results come as a message of the user's. A server's own function calling would differ from one server to the next.
"""

from collections.abc import Mapping, Sequence

from dialogue.errors import ReplyFailed, RunStopped
from dialogue.records import Message
from generator.agents import SEPARATOR, named, seed_of
from generator.client.chat import Completion
from generator.play import Turn
from generator.tools.box import calls
from generator.tools.guide import Guide
from generator.tools.replies import Broken, Reply, read_reply
from generator.voice import Voice

ATTEMPTS = 3
"""Times a turn is asked for before its dialogue is given up: a shape is sooner missed than a sense."""

IN_VAIN = 8
"""Dialogues running that were given up for their shape before the run is stopped: such a model will not learn it."""


class Row:
    """Dialogues of a run that were given up one after the other, with no reply in shape between them."""

    def __init__(self) -> None:
        self._lost = 0

    def kept(self) -> None:
        """A reply had the shape."""
        self._lost = 0

    def lost(self, fault: Broken) -> None:
        """A dialogue is given up. RunStopped where nothing else happens any more."""
        self._lost += 1
        if self._lost >= IN_VAIN:
            raise RunStopped(
                f"assistant: {self._lost} dialogues running whose replies had not the shape asked for ({fault}); "
                "another model can be named under [roles], or the prompts be changed under tools/"
            )


class ToolAssistant:
    """Answers as the endpoint's model does, in the shape of its guide."""

    def __init__(
        self,
        voice: Voice,
        guide: Guide,
        *,
        key: str,
        priority: int,
        row: Row,
        failures: int = 0,
    ) -> None:
        """As for the assistant without tools; `row` is the run's."""
        self._voice = voice
        self._guide = guide
        self._key = key
        self._priority = priority
        self._row = row
        self._first_attempt = ATTEMPTS * failures
        self._protocol = guide.protocol()

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """Commands, or the answer to the last user message. ReplyFailed where the shape is missed again and again."""
        fault: Broken | None = None
        for attempt in range(ATTEMPTS):
            completion = await self._ask(history, fault, attempt)
            try:
                message = self._message(completion, history)
            except Broken as error:
                fault = error
                self._voice.refuse(completion, error.check)
            else:
                self._row.kept()
                return Turn(message, completion.usage)
        assert fault is not None
        self._row.lost(fault)
        raise ReplyFailed("repeat" if fault.check == "answer_repeated" else "bad_reply", str(fault))

    async def _ask(self, history: Sequence[Message], fault: Broken | None, attempt: int) -> Completion:
        messages = self._seen(history)
        if fault is not None:
            note = self._guide.again(fault.check, fault.evidence)
            messages[-1] = {"role": "user", "content": messages[-1]["content"] + SEPARATOR + note}
        seed = seed_of(self._key, len(history), "answer", self._first_attempt + attempt)
        return await self._voice.complete(messages, key=self._key, priority=self._priority, seed=seed)

    def _seen(self, history: Sequence[Message]) -> list[dict[str, str]]:
        """The dialogue as the endpoint is shown it."""
        return [{"role": _ROLES[message.role], "content": self._text(message)} for message in history]

    def _text(self, message: Message) -> str:
        match message.role:
            case "system":
                return f"{message.content}\n\n{self._protocol}"
            case "tool":
                return self._guide.results(message.content)
            case "assistant":
                return _as_reply(message)
            case _:
                return message.content

    def _message(self, completion: Completion, history: Sequence[Message]) -> Message:
        """The reply as a message. Raises Broken."""
        about = {"model": named(completion, self._voice)}
        if completion.refused:
            return Message(role="assistant", content=completion.content, finish_reason="refusal", **about)
        found = self._read(completion, history)
        if found.commands:
            commands = calls(found.commands)
            return Message(role="assistant", content="", thoughts=found.thoughts, tool_calls=commands, **about)
        if any(message.role == "assistant" and message.content == found.answer for message in history):
            raise Broken("answer_repeated", found.answer[:60])
        reason = completion.finish_reason
        return Message(role="assistant", content=found.answer, thoughts=found.thoughts, finish_reason=reason, **about)

    def _read(self, completion: Completion, history: Sequence[Message]) -> Reply:
        most = 0 if history[-1].role == "tool" else self._guide.commands
        cut = completion.finish_reason == "length"
        try:
            found = read_reply(completion.content, enabled=self._guide.enabled, most=most)
        except Broken as error:
            raise Broken("cut", error.evidence) if cut else error from None
        if cut and found.commands:
            raise Broken("cut", found.commands[-1].text[:60])
        return found


_ROLES: Mapping[str, str] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "user"}


def _as_reply(message: Message) -> str:
    """An earlier turn of the assistant's in the shape in which it was given."""
    lines = [f"Thought: {message.thoughts}"] if message.thoughts else []
    for call in message.tool_calls or ():
        assert isinstance(call, dict)
        lines.append(f"Command: {call['raw']}")
    return "\n".join(lines if message.tool_calls else [*lines, f"Answer: {message.content}"])
