"""The two sides of a dialogue.

The user simulator sees the dialogue with roles swapped and its instruction after the history: UltraChat's remedy
against role exchange, and what keeps the prefix of a request byte-stable for the provider's cache. A turn that shows
a fault is asked again once, with another seed and the fault named; a second fault ends the dialogue with that reason.
"""

from collections.abc import Collection, Sequence

from dialogue.chance import hash64
from dialogue.ending import parted
from dialogue.errors import ReplyFailed
from dialogue.faults import Fault, soft_fault, unwrap, user_fault
from dialogue.records import Message, Role
from generator.client.chat import Completion
from generator.play import Turn
from generator.user.acts import TurnPlan
from generator.user.noise import typed
from generator.user.script import Script
from generator.voice import Voice
from prompts.bars import Bars
from prompts.loader import Prompts

SEPARATOR = "\n\n* * *\n"
"""Parts the assistant's last answer from the note to the simulator, in one message: some templates refuse two
user messages running."""

ATTEMPTS = 2
"""Times a turn is asked for before its dialogue is given up."""

CLIP_CHARACTERS = 6000
CLIP_HEAD, CLIP_TAIL = 4000, 1500
"""A longer answer is shown to the simulator by its head and tail, by the same rule at every turn."""


def seed_of(*parts: object) -> int:
    """A request's seed: 31 bits, as some servers take no more."""
    return hash64(*parts) >> 33


def clipped(text: str) -> str:
    """A long text by its head and tail."""
    return text if len(text) <= CLIP_CHARACTERS else f"{text[:CLIP_HEAD]}\n[…]\n{text[-CLIP_TAIL:]}"


def named(completion: Completion, voice: Voice) -> str | None:
    """What the model calls itself, where that is not what was asked for."""
    return None if completion.model == voice.model else completion.model


def message_of(completion: Completion, voice: Voice, role: Role) -> Message:
    """What came back, as a message: with its thoughts, how it ended, and whose it is."""
    return Message(
        role=role,
        content=completion.content,
        thoughts=completion.thoughts,
        finish_reason="refusal" if completion.refused else completion.finish_reason,
        model=named(completion, voice),
    )


def guided(messages: list[dict[str, str]], guide: str | None) -> list[dict[str, str]]:
    """The messages under the guide; a system prompt stands before it, in one message with it."""
    if guide is None:
        return messages
    system, rest = (messages[:1], messages[1:]) if messages[0]["role"] == "system" else ([], messages)
    text = "\n\n".join([*(message["content"] for message in system), guide])
    return [{"role": "system", "content": text}, *rest]


def turn_fault(
    text: str,
    completion: Completion,
    history: Sequence[Message],
    *,
    language: str,
    sentinel: str,
    waived: Collection[str],
    act: str | None = None,
) -> Fault | None:
    """What is wrong with a user's turn that came as `completion`, its end signal taken off; None if nothing."""
    if completion.finish_reason == "length":
        return Fault("bad_reply", "cut", "the user's turn was cut by the token limit")
    if completion.refused:
        return Fault("refusal", "refused", text[:80])
    if not text:
        return Fault("markers", "empty", "an end signal where none was allowed")
    return user_fault(text, history, act=act, language=language, sentinel=sentinel, waived=waived)


class UserSimulator:
    """Speaks as the person in the script."""

    def __init__(
        self,
        voice: Voice,
        script: Script,
        prompts: Prompts,
        *,
        key: str,
        priority: int,
        min_rounds: int,
        sentinel: str,
        past: Sequence[TurnPlan] = (),
        leaving: bool = False,
        failures: int = 0,
        waived: Collection[str] = (),
    ) -> None:
        """`failures` of the dialogue before this one give every request another seed, or a server would repeat itself.

        `waived`: checks that the sector does without.
        """
        self._voice = voice
        self._script = script
        self._key = key
        self._priority = priority
        self._min_rounds = min_rounds
        self._sentinel = sentinel
        self._past = list(past)
        self._leaving = leaving
        self._waived = waived
        self._first_attempt = ATTEMPTS * failures
        self._head: list[dict[str, str]] = [
            {"role": "system", "content": script.block(prompts, sentinel)},
            {"role": "user", "content": script.cue(prompts)},
        ]
        self._prompts = prompts

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The user's next message; None where the plan or the simulator ends the dialogue."""
        number = sum(message.role == "user" for message in history) + 1
        if self._leaving or number > self._script.rounds:
            return None
        plan = self._script.turn(number, self._past, history[-1].content)
        may_end = plan.leave and number > self._min_rounds
        fault: Fault | None = None
        first: str | None = None
        for attempt in range(ATTEMPTS):
            completion = await self._ask(history, plan, may_end and attempt == 0, fault, number, attempt)
            text, ends = parted(unwrap(completion.content), self._sentinel)
            if ends and not text and may_end:
                self._voice.refuse(completion, None)
                return None
            fault = self._fault(text, completion, history, plan, attempt)
            if fault is None:
                self._leaving = ends and may_end
                return self._turn(text, completion, plan, number, first)
            self._voice.refuse(completion, fault.check)
            first = fault.check
        assert fault is not None
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    def _fault(
        self, text: str, completion: Completion, history: Sequence[Message], plan: TurnPlan, attempt: int
    ) -> Fault | None:
        language = self._script.language
        hard = turn_fault(
            text,
            completion,
            history,
            language=language,
            sentinel=self._sentinel,
            waived=self._waived,
            act=plan.act,
        )
        return hard or (soft_fault(text, language=language, words=plan.words) if attempt == 0 else None)

    def _turn(self, text: str, completion: Completion, plan: TurnPlan, number: int, again: str | None) -> Turn:
        """The turn as it goes to the other side; `again` is the check for which it was asked a second time."""
        script = self._script
        noise = (self._prompts, text, script.persona.traits, script.language, self._key, number)
        said = typed(*noise) if script.noise else text
        self._past.append(plan)
        outcome = {"typed": said != text, "end": self._leaving, "again": again}
        noted = {**plan.noted(), **{name: value for name, value in outcome.items() if value}}
        message = Message(role="user", content=said, thoughts=completion.thoughts, model=named(completion, self._voice))
        return Turn(message, completion.usage, plan=noted)

    async def _ask(
        self, history: Sequence[Message], plan: TurnPlan, may_end: bool, fault: Fault | None, number: int, attempt: int
    ) -> Completion:
        note = self._script.note(self._prompts, plan, may_end=may_end, sentinel=self._sentinel, again=fault)
        messages = [*self._head, *self._seen(history)]
        messages[-1] = {"role": "user", "content": messages[-1]["content"] + SEPARATOR + note}
        seed = seed_of(self._key, number, self._first_attempt + attempt)
        return await self._voice.complete(messages, key=self._key, priority=self._priority, seed=seed)

    def _seen(self, history: Sequence[Message]) -> list[dict[str, str]]:
        return [
            {"role": "assistant", "content": message.content}
            if message.role == "user"
            else {"role": "user", "content": clipped(message.content)}
            for message in history
            if message.role in ("user", "assistant") and not message.tool_calls
        ]


class Assistant:
    """Answers as the endpoint's model does, under a sector's guide if it has one; knows nothing of persona or plan."""

    def __init__(
        self,
        voice: Voice,
        *,
        key: str,
        priority: int,
        failures: int = 0,
        guide: str | None = None,
        bars: Bars | None = None,
    ) -> None:
        """As for the user simulator. `guide` is said with every request, and is no part of the dialogue.

        `bars`: what the first answer must not be.
        """
        self._voice = voice
        self._key = key
        self._priority = priority
        self._bars = bars
        self._first_attempt = ATTEMPTS * failures
        self._guide = guide

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        """The answer to the last user message. A word-for-word repeat of an earlier answer is asked again once."""
        messages = guided([{"role": message.role, "content": message.content} for message in history], self._guide)
        for attempt in range(ATTEMPTS):
            seed = seed_of(self._key, len(history), "answer", self._first_attempt + attempt)
            completion = await self._voice.complete(messages, key=self._key, priority=self._priority, seed=seed)
            text = completion.content
            self._eliminate(completion, history)
            if not any(message.role == "assistant" and message.content == text for message in history):
                return Turn(message_of(completion, self._voice, "assistant"), completion.usage)
            self._voice.refuse(completion, "answer_repeated")
        raise ReplyFailed("repeat", "answer_repeated: the same answer twice, word for word")

    def _eliminate(self, completion: Completion, history: Sequence[Message]) -> None:
        """End the dialogue where the first answer shows that its instruction is no good."""
        text = completion.content
        first = self._bars is not None and all(message.role != "assistant" for message in history)
        fault = self._bars.answer_fault(text) if self._bars and first else None
        if fault is not None:
            self._voice.refuse(completion, None)
            raise ReplyFailed("refusal" if fault == "sorry" else "bad_reply", f"eliminated, {fault}: {text[:80]}")
