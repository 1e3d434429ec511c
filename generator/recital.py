"""A dialogue that one request writes whole. Every text that came back is journalled before it is looked at."""

from pydantic import JsonValue

from dialogue.errors import ReplyFailed
from dialogue.faults import Fault, unwrap
from dialogue.records import Message, Stop
from generator.agents import ATTEMPTS, message_of, seed_of
from generator.play import Turn
from generator.stage import Job, Scenery, Stage
from generator.transcript import fault_of, parse, plans, request
from generator.user.noise import typed


class Recital(Stage):
    """Has one job's conversation written, at the assistant's endpoint, and read."""

    _speaks_for_user = "assistant"

    def __init__(self, scenery: Scenery, job: Job) -> None:
        super().__init__(scenery, job)
        self._texts = [Message.model_validate(event["message"]) for event in job.events if event["k"] == "turn"]
        """Transcripts as they came, those of earlier calls included; the last one is the one that counts."""
        self._past = self._acts()
        self._history = []

    async def _played(self) -> Stop:
        """Ask until a conversation is there that can be read and shows no fault; twice at most, as for a turn.

        A text that is in the journal already is read again and not asked for again.
        """
        fault: Fault | None = None
        for attempt in range(ATTEMPTS * (self._book.failures + 1)):
            if attempt == len(self._texts):
                await self._ask(attempt, fault)
            fault = self._read(self._texts[attempt])
            if fault is None:
                most = len(self._history) // 2 >= self._all.rounds[1]
                return "max_turns" if most else "user_stopped"
        assert fault is not None
        self._book.give_up(noted=fault.check)
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    def _lose(self, error: ReplyFailed) -> None:
        """What came back is kept as it came, whatever went wrong after it."""
        self._history = list(self._texts)
        super()._lose(error)

    async def _ask(self, attempt: int, fault: Fault | None) -> None:
        job, voice = self._job, self._voice("assistant")
        again = fault.evidence if fault else None
        prompt = request(self._all.prompts, self._script, self._all.run_seed, job.id, again)
        seed = seed_of(job.id, "transcript", attempt)
        messages = [{"role": "user", "content": prompt}]
        completion = await voice.complete(messages, key=job.id, priority=job.index, seed=seed)
        text = message_of(completion, voice, "assistant")
        counts = attempt % ATTEMPTS > 0  # what a dialogue was given up for is counted by then
        self._said(Turn(text, completion.usage, plan={"again": fault.check} if fault and counts else None))
        self._past = self._acts()
        self._texts.append(text)

    def _acts(self) -> list[dict[str, JsonValue]]:
        return [plan.noted() for plan in plans(self._script)]

    def _read(self, text: Message) -> Fault | None:
        """Make the dialogue of a transcript, or say what is wrong with it."""
        if text.finish_reason == "length":
            return Fault("bad_reply", "cut", "the transcript was cut by the token limit")
        if text.finish_reason == "refusal":
            return Fault("refusal", "refused", text.content[:80])
        try:
            said = parse(text.content)
        except ValueError as error:
            return Fault("bad_reply", "transcript", str(error))
        fault = fault_of(said, self._script, self._all.rounds)
        if fault is None:
            self._history = [
                Message(role="user", content=self._typed(words, number // 2 + 1))
                if role == "user"
                else Message(role="assistant", content=words, model=text.model)
                for number, (role, words) in enumerate(said)
            ]
            self._history[-1] = self._history[-1].model_copy(update={"finish_reason": text.finish_reason})
        return fault

    def _typed(self, words: str, number: int) -> str:
        """A message as the person types it."""
        plan, words = self._script, unwrap(words)
        if not plan.noise:
            return words
        return typed(self._all.prompts, words, plan.persona.traits, plan.language, self._job.id, number)
