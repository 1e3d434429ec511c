"""Questions put to models outside a run: under the limits of endpoints and user, and left in good order.

A pool takes jobs from an iterator, as many at a time as there are slots, and hands each to a function that asks what it
has to ask. What a job has brought is saved by that function as it comes; the pool only knows when to stop.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import Field

from dialogue.errors import RunStopped
from dialogue.records import Record
from generator.builtin.transport import embedded
from generator.client.chat import Chat, Paces, Sampling
from generator.client.endpoint import Endpoint
from generator.client.local import way_to
from generator.client.meter import Meter
from generator.client.transport import Transport
from generator.folder.disk import Disk
from generator.gate import Gate
from generator.signals import interrupted_by_signals

TICK_S = 0.5
Job = TypeVar("Job")


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


class Pool(Generic[Job]):
    """One round of jobs."""

    def __init__(
        self,
        speakers: Mapping[str, Speaker],
        terms: Terms,
        meter: Meter,
        disk: Disk,
        say: Callable[[str], None],
        tick: Callable[[int, str], None],
        file: str,
    ) -> None:
        """`tick` is told every half second how many jobs are done, and what holds the work back.

        `file` holds what failed, among the answers.
        """
        self._file = file
        self._meter, self._disk, self._say, self._tick_told = meter, disk, say, tick
        self._slots = terms.concurrency
        self._gate = Gate(terms.concurrency)
        ends = {_place(speaker.endpoint): speaker.endpoint for speaker in speakers.values()}
        ways = {place: self._gate.guard(_way(endpoint, say)) for place, endpoint in ends.items()}
        self._paces = Paces(slots=terms.concurrency, say=say)
        self.chats = {
            role: Chat(
                speaker.endpoint,
                role=role,
                sampling=speaker.sampling,
                paces=self._paces,
                transport=ways[_place(speaker.endpoint)],
                meter=meter,
                say=say,
                retry_wait_s=terms.retry_wait_s,
            )
            for role, speaker in speakers.items()
        }
        """The way to each speaker, by role."""
        self._workers: list[asyncio.Task[None]] = []
        self._done = 0
        self._stopped: RunStopped | None = None
        self._interrupted = False
        self._broken: BaseException | None = None

    async def work(
        self,
        jobs: Iterable[Job],
        do: Callable[[Job], Awaitable[None]],
        on_start: Callable[[Callable[[], None]], None] | None = None,
    ) -> Asked:
        """Do all jobs; returns when all are done, or the work was stopped."""
        if on_start is not None:
            on_start(self.interrupt)
        try:
            with interrupted_by_signals(self.interrupt):
                await self._put(iter(jobs), do)
        finally:
            self._paces.close()
            await self._gate.close()
        if self._broken is not None:
            raise self._broken
        # The client names the file in which a run keeps what failed.
        stopped = str(self._stopped).replace("failures.jsonl", self._file) if self._stopped else None
        return Asked(stopped, self._interrupted, self._meter.as_dict())

    async def _put(self, jobs: Iterator[Job], do: Callable[[Job], Awaitable[None]]) -> None:
        self._workers = [asyncio.create_task(self._worker(jobs, do)) for _ in range(self._slots)]
        ticker = asyncio.create_task(self._tick())
        await asyncio.gather(*self._workers, return_exceptions=True)  # who stops the work is cancelled with the others
        ticker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await ticker

    async def _worker(self, jobs: Iterator[Job], do: Callable[[Job], Awaitable[None]]) -> None:
        try:
            for job in jobs:
                await do(job)
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

    def interrupt(self) -> None:
        """Ctrl-C: once to wait for what is on the wire, twice to leave at once. All that came is saved already."""
        if self._interrupted:
            self._gate.abandon()
            return
        self._interrupted = True
        waiting = self._gate.in_flight
        self._say(f"interrupted: waiting for {waiting} replies on the wire; Ctrl-C again leaves at once")
        self._gate.shut(self._workers)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            cost = self._meter.cost_usd
            spent = "" if cost is None else f"${cost:,.4f} · "
            self._tick_told(self._done, f"{spent}limited by {self._gate.limiting() or self._paces.limiting()}")


def _place(endpoint: Endpoint) -> tuple[str, ...]:
    """What endpoints share that share a transport; embedded ones differ in their seeds."""
    return (*endpoint.base_url, str(endpoint.seed), str(endpoint.wrong_share))


def _way(endpoint: Endpoint, say: Callable[[str], None]) -> Transport:
    return embedded(endpoint) if endpoint.is_builtin else way_to(endpoint, say)
