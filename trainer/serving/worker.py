"""The engine in a thread of its own, fed from an event loop: requests in, pieces and replies out, cancelled at will."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from trainer.serving.answer import Answer, Piece, Reply
from trainer.serving.engine import Engine, Sampling


class Stopped(Exception):
    """The engine has broken down, or was stopped, while replies were under way."""


class News(NamedTuple):
    """What became of one choice of a request: a piece of it, or in the end the whole."""

    choice: int
    piece: Piece | None
    reply: Reply | None


class Job:
    """One request: a prompt, and as many choices as it asks for."""

    def __init__(self, prompt: Sequence[int], sampling: Sampling, n: int, streamed: bool) -> None:
        self.prompt, self.sampling, self.n, self.streamed = prompt, sampling, n, streamed
        self.news: asyncio.Queue[News | None] = asyncio.Queue()
        """None: nothing will come any more, and not all has come."""
        self.answers: list[Answer] = []

    async def next(self) -> News:
        """The next news. Raises Stopped."""
        found = await self.news.get()
        if found is None:
            raise Stopped
        return found


class Worker:
    """Runs the engine as long as there is anything to do. `start` and `put` belong to one event loop."""

    def __init__(self, engine: Engine, on_broken: Callable[[BaseException], None]) -> None:
        """`on_broken` is called in the loop when the engine has raised; all jobs are told that nothing comes."""
        self._engine = engine
        self._on_broken = on_broken
        self._open, self._over = set[Job](), False
        self._asked: deque[tuple[Job, bool]] = deque()
        self._jobs: dict[Answer, tuple[Job, int]] = {}
        self._news: list[tuple[Job, News | None]] = []
        self._wake = threading.Condition()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._loop: asyncio.AbstractEventLoop

    def start(self) -> None:
        """Begin; the news goes to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def put(self, job: Job) -> None:
        """Work on a job; it is told at once that nothing comes where the engine has ended."""
        self._open.add(job)
        self._tell(job, True)
        if self._over:
            self._end()

    def cancel(self, job: Job) -> None:
        """Work on it no more; harmless where it is done."""
        self._open.discard(job)
        self._tell(job, False)

    def stop(self) -> None:
        """End after the step that is under way, and wait for that."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        self._thread.join()

    @property
    def under_way(self) -> int:
        """Choices that are being worked on or wait."""
        return len(self._jobs)

    def _tell(self, job: Job, wanted: bool) -> None:
        with self._wake:
            self._asked.append((job, wanted))
            self._wake.notify()

    def _run(self) -> None:
        try:
            while self._listen():
                for answer in self._engine.step() if self._engine.busy else ():
                    job, choice = self._jobs.pop(answer)
                    self._news.append((job, News(choice, None, self._engine.reply(answer))))
                self._hand_out()
        except Exception as error:  # a boundary: nobody would hear of a thread that died
            self._loop.call_soon_threadsafe(self._on_broken, error)
        self._hand_out()
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            self._loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        """Tell all who still wait that nothing comes any more, those too whom the thread has not heard of."""
        self._over = True
        for job in self._open:
            job.news.put_nowait(None)

    def _listen(self) -> bool:
        """Take in what was asked, waiting where there is nothing to do; whether to go on."""
        with self._wake:
            while not (self._asked or self._stopping or self._engine.busy):
                self._wake.wait()
            asked = [self._asked.popleft() for _ in range(len(self._asked))]
            stopping = self._stopping
        for job, wanted in asked:
            if wanted:
                self._begin(job)
            else:
                self._forget(job)
        return not stopping

    def _begin(self, job: Job) -> None:
        for choice in range(job.n):

            def heard(piece: Piece, choice: int = choice) -> None:
                self._news.append((job, News(choice, piece, None)))

            on_piece = heard if job.streamed else None
            answer = self._engine.submit(job.prompt, job.sampling, choice=choice, on_piece=on_piece)
            job.answers.append(answer)
            self._jobs[answer] = job, choice

    def _forget(self, job: Job) -> None:
        for answer in job.answers:
            if self._jobs.pop(answer, None) is not None:
                self._engine.cancel(answer)

    def _hand_out(self) -> None:
        """Give the news to the loop, all of a step at once: one call a token would cost more than the token."""
        if self._news:
            news, self._news = self._news, []
            self._loop.call_soon_threadsafe(_deliver, news)


def _deliver(news: Sequence[tuple[Job, News | None]]) -> None:
    for job, one in news:
        job.news.put_nowait(one)
