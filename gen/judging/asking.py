"""Puts questions to models, under the limits of their endpoints and of the user; each reply is saved as it comes."""

import asyncio
import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from dialogue.chance import hash64
from dialogue.errors import ReplyFailed, RunStopped
from dialogue.records import Record, Usage, plain
from gen.judging.answers import ATTEMPTS, FAILED, UNREADABLE, Answers
from gen.judging.kinds import Question, RoleName
from gen.loops import OnStart, finish
from gen.progress import Progress
from generator.client.chat import Chat, Completion, Paces, Sampling
from generator.client.endpoint import Endpoint
from generator.client.local import way_to
from generator.client.meter import Meter
from generator.folder.disk import Disk
from generator.gate import Gate
from generator.signals import interrupted_by_signals

TICK_S = 0.5
RAW_CHARACTERS = 4000


class Speaker(Record):
    """Who is asked."""

    endpoint: Endpoint
    sampling: Sampling = Sampling()


class Terms(Record):
    """Under what limits."""

    concurrency: int = Field(default=16, ge=1, le=100_000)
    """Questions under way at the same time."""
    max_cost_usd: float | None = Field(default=None, gt=0)
    prices: Path | None = None
    retry_wait_s: float = Field(default=1.0, ge=0)


@dataclass
class Asked:
    """What came of it."""

    stopped: str | None
    """Why the endpoint, the disk or a limit ended it; None where nothing did."""
    interrupted: bool
    meter: dict[str, Any]


class Asking:
    """One round of questions."""

    def __init__(
        self,
        speakers: Mapping[RoleName, Speaker],
        answers: Mapping[RoleName, Answers],
        terms: Terms,
        meter: Meter,
        disk: Disk,
        progress: Progress,
    ) -> None:
        self._answers, self._meter, self._disk, self._progress = answers, meter, disk, progress
        self._slots = terms.concurrency
        self._gate = Gate(terms.concurrency)
        ends = {speaker.endpoint.base_url: speaker.endpoint for speaker in speakers.values()}
        ways = {url: self._gate.guard(way_to(endpoint, progress.say)) for url, endpoint in ends.items()}
        self._paces = Paces(slots=terms.concurrency, say=progress.say)
        self._chats = {
            role: Chat(
                speaker.endpoint,
                role=role,
                sampling=speaker.sampling,
                paces=self._paces,
                transport=ways[speaker.endpoint.base_url],
                meter=meter,
                say=progress.say,
                retry_wait_s=terms.retry_wait_s,
            )
            for role, speaker in speakers.items()
        }
        self._workers: list[asyncio.Task[None]] = []
        self._done = self._total = 0
        self._stopped: RunStopped | None = None
        self._interrupted = False
        self._broken: BaseException | None = None

    async def work(self, questions: Sequence[Question], on_start: OnStart | None) -> Asked:
        """Put all questions; returns when all are answered, or the work was stopped."""
        self._total = len(questions)
        if on_start is not None:
            on_start(self.interrupt)
        try:
            with interrupted_by_signals(self.interrupt):
                await self._put(iter(questions))
        finally:
            self._paces.close()
            await self._gate.close()
        if self._broken is not None:
            raise self._broken
        # The engine names the file in which a run keeps what failed; here failures stand with the answers.
        stopped = str(self._stopped).replace("failures.jsonl", "verdicts.jsonl") if self._stopped else None
        return Asked(stopped, self._interrupted, self._meter.as_dict())

    async def _put(self, questions: Iterator[Question]) -> None:
        slots = min(self._slots, self._total)
        self._workers = [asyncio.create_task(self._worker(questions)) for _ in range(slots)]
        ticker = asyncio.create_task(self._tick())
        await asyncio.gather(*self._workers, return_exceptions=True)  # who stops the work is cancelled with the others
        ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticker

    async def _worker(self, questions: Iterator[Question]) -> None:
        try:
            for question in questions:
                await self._ask(question)
                self._done += 1
                if self._disk.full:
                    raise RunStopped(self._disk.full)
                if self._gate.closed:
                    return
        except asyncio.CancelledError:
            return
        except RunStopped as error:
            self._stopped = self._stopped or error
            self._gate.shut(self._workers)
        except Exception as error:  # the one boundary: anything else is a bug, and must end the work aloud
            self._broken = self._broken or error
            self._gate.shut(self._workers)

    async def _ask(self, question: Question) -> None:
        """Put a question until a reply can be read, at most twice over all calls."""
        answers, field = self._answers[question.kind.role], question.kind.field
        while answers.settled(question.key) is None:
            before = answers.by_key.get(question.key, {})
            attempt = before.get("attempt", 0)
            try:
                completion = await self._complete(question, attempt, before.get("raw"))
            except ReplyFailed as failure:
                said = {field: FAILED, "reason": f"{failure.reason}: {failure.detail}", "raw": before.get("raw")}
                answers.add(self._line(question, said, attempt, Usage(), None))
                return
            found = None if completion.refused else question.kind.read(completion.content, question)
            said = {field: UNREADABLE, "reason": None} if found is None else dict(found)
            said["raw"] = completion.content[:RAW_CHARACTERS]
            answers.add(self._line(question, said, attempt + 1, completion.usage, completion.model))

    async def _complete(self, question: Question, attempt: int, raw: str | None) -> Completion:
        messages = [{"role": "user", "content": question.prompt}]
        if attempt:
            messages.append({"role": "assistant", "content": raw or ""})
            messages.append({"role": "user", "content": question.kind.again})
        seed = hash64(question.key, attempt)
        chat = self._chats[question.kind.role]
        return await chat.complete(
            messages, key=question.key, priority=ATTEMPTS - attempt, seed=seed, schema=question.kind.schema
        )

    def _line(
        self, question: Question, said: Mapping[str, str | None], attempt: int, usage: Usage, model: str | None
    ) -> dict[str, Any]:
        asked = self._chats[question.kind.role].model
        return {
            "key": question.key,
            **question.about,
            **said,
            "model": asked or model,
            "attempt": attempt,
            "usage": plain(usage),
            "prompt": question.kind.hash,
        }

    def interrupt(self) -> None:
        """Ctrl-C: once to wait for what is on the wire, twice to leave at once. All that came is saved already."""
        if self._interrupted:
            self._gate.abandon()
            return
        self._interrupted = True
        waiting = self._gate.in_flight
        self._progress.say(f"interrupted: waiting for {waiting} replies on the wire; Ctrl-C again leaves at once")
        self._gate.shut(self._workers)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            cost = self._meter.cost_usd
            spent = "" if cost is None else f"${cost:,.4f} · "
            self._progress.show("asking", self._done, self._total, f"{spent}limited by {self._paces.limiting()}")


def ask(
    questions: Sequence[Question],
    speakers: Mapping[RoleName, Speaker],
    answers: Mapping[RoleName, Answers],
    terms: Terms,
    meter: Meter,
    disk: Disk,
    progress: Progress,
) -> Asked:
    """Put the questions, from ordinary code or under a running event loop."""
    progress.count("questions")

    async def work(on_start: OnStart | None) -> Asked:
        return await Asking(speakers, answers, terms, meter, disk, progress).work(questions, on_start)

    return finish(work)
