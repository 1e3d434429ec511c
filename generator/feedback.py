"""A dialogue whose every answer is the best of several: self-distillation with feedback.

Xu et al. 2023, "Baize" (arXiv 2304.01196): answers are sampled, a judge gives each numbers under several aspects, and
the best is learnt from. Here it is said as well, so that the user goes on from it. The assistant's endpoint answers,
the user's endpoint judges, one request after the other. Whatever came back is journalled before it is looked at, so a
run that was killed asks for nothing twice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from dialogue.errors import ReplyFailed
from dialogue.faults import Fault
from dialogue.records import Message, Seed, Stop, Usage
from generator.agents import ATTEMPTS, guided, message_of, seed_of
from generator.ballot import NOTHING, Ballot
from generator.client.chat import Sampling
from generator.play import Turn, play
from generator.ratings import Rating, asked, of_samples, parse
from generator.stage import Job, Scenery, Stage

STEADY, LOOSE = Sampling(temperature=0.0), Sampling(temperature=1.0)
"""How a judge's first reply is drawn, and a further one: what cannot be read should not come again."""


class Feedback(Stage):
    """Plays one job, and is the assistant in it."""

    def __init__(self, scenery: Scenery, job: Job, wanted: int) -> None:
        """`wanted` answers are sampled for each turn."""
        super().__init__(scenery, job)
        self._wanted = wanted
        self._told = self._script.guide(job.seed.kind)
        self._rubric = of_samples(scenery.prompts, scenery.sector, self._script.language)
        self._history, self._past = self._opening(), []
        self._ballots: dict[int, Ballot] = {}
        """By the number of the message that they decide."""
        self._heard: list[Message] = []
        """The user's further messages, as journalled."""
        for event in job.events:
            self._recall(event)

    def _recall(self, event: Mapping[str, Any]) -> None:
        if event["k"] == "reply":
            return
        if event["k"] == "spent":
            for ballot in list(self._ballots.values())[-1:]:
                ballot.failures += 1
            return
        plan, message = dict(event.get("plan") or {}), Message.model_validate(event["message"])
        if "sample" in plan:
            self._ballot(event["n"]).answers.append(message)
        elif "rates" in plan:
            self._ballot(event["n"]).verdicts.append(message)
        else:
            self._past.append(plan)
            self._heard.append(message)

    def _ballot(self, number: int) -> Ballot:
        return self._ballots.setdefault(number, Ballot(f"{self._job.id}/{number}", self._wanted))

    async def _played(self) -> Stop:
        """Play on from what the journal has; of a turn that came to nothing all that came back is kept."""
        try:
            for message in self._heard:  # the answers before it are decided by what is there, without a request
                self._history += [(await self.reply(self._history)).message, message]
            return await play(self._history, self._user(), self, max_rounds=self._rounds[1], said=self._user_said)
        except ReplyFailed:
            ballot = self._ballot(len(self._history))
            self._history += [*ballot.answers, *ballot.verdicts]
            raise

    async def reply(self, history: Sequence[Message]) -> Turn:
        """The best answer. ReplyFailed where none has words that are new, or what is said of them cannot be read."""
        ballot = self._ballot(len(history))
        while ballot.wants_more(history):
            ballot.answers.append(await self._sample(history, len(ballot.answers)))
        shown = ballot.shown(history)
        if not shown:
            raise ballot.failure()
        ratings = await self._judge(history, ballot, shown) if len(shown) > 1 else ()
        return Turn(ballot.message(shown, ratings, self._all.chats["assistant"].model), Usage())

    async def _sample(self, history: Sequence[Message], place: int) -> Message:
        """One answer, with a seed of its own; without words where the reply holds none."""
        voice, job, number = self._voice("assistant"), self._job, len(history)
        messages = guided([{"role": message.role, "content": message.content} for message in history], self._told)
        seed = seed_of(job.id, number, "sample", place + self._wanted * self._book.failures)
        try:
            completion = await voice.complete(messages, key=job.id, priority=job.index, seed=seed)
        except ReplyFailed as failure:
            if failure.reason not in NOTHING:
                raise
            message, usage = Message(role="assistant", content="", finish_reason=failure.reason), Usage()
        else:
            message, usage = message_of(completion, voice, "assistant"), completion.usage
        self._book.turn(number, message.role, Turn(message, usage, plan={"sample": place}))
        return message

    async def _judge(self, history: Sequence[Message], ballot: Ballot, shown: Sequence[Message]) -> list[Rating]:
        """What is said of the answers; asked for once more where it cannot be read."""
        fault: Fault | None = None
        for attempt in range(ATTEMPTS * (ballot.failures + 1)):
            if attempt == len(ballot.verdicts):
                ballot.verdicts.append(await self._verdict(history, shown, attempt, fault))
            try:
                return parse(ballot.verdicts[attempt].content, len(shown), self._rubric.aspects, self._rubric.most)
            except ValueError as error:
                fault = Fault("bad_reply", "ratings", str(error))
        assert fault is not None
        raise ReplyFailed(fault.reason, f"{fault.check}: {fault.evidence}")

    async def _verdict(
        self, history: Sequence[Message], shown: Sequence[Message], attempt: int, fault: Fault | None
    ) -> Message:
        voice, job, number = self._voice("user"), self._job, len(history)
        texts, key = [answer.content for answer in shown], f"{job.id}/{number}"
        again = fault.evidence if fault else None
        prompt = asked(self._all.prompts, self._rubric, self._script.language, history, texts, key, again)
        completion = await voice.complete(
            [{"role": "user", "content": prompt}],
            key=job.id,
            priority=job.index,
            seed=seed_of(job.id, number, "verdict", attempt),
            sampling=LOOSE if attempt else STEADY,
        )
        message = message_of(completion, voice, "user")
        plan: dict[str, JsonValue] = {"rates": len(shown), **({"again": fault.check} if fault else {})}
        self._book.turn(number, message.role, Turn(message, completion.usage, plan=plan))
        return message

    def _user_said(self, turn: Turn) -> None:
        if turn.message.role == "user":  # what an answer was chosen from is kept already
            self._said(turn)

    def _seed(self) -> Seed:
        """The dialogue's seed, and how many answers were asked for at each turn."""
        seed = super()._seed()
        return seed.model_copy(update={"extra": {**seed.extra, "candidates": self._wanted}})
