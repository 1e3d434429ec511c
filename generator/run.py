"""`gen run`: from settings to a folder of dialogues, resumable to the turn.

A fixed number of workers pull jobs from one source: dialogues left open by an earlier call first, then openers that
have no dialogue yet, then new openers. Each worker plays its dialogue to the end; there is no barrier between them.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

from dialogue.errors import RunStopped
from generator.openers.pool import short_pool
from generator.progress import Progress, State
from generator.setting_up import Setup, set_up
from generator.settings import RoleSettings, RunSettings
from generator.signals import interrupted_by_signals
from generator.stage import Job
from generator.stages import stage_for

TICK_S = 0.5
CHECKPOINT_EVERY_S = 5.0
QUIET_S = 60.0
"""Without a finished turn for so long, say what is waited for."""


class Run:
    """One call of `gen run` on its folder."""

    def __init__(self, setup: Setup, progress: Progress) -> None:
        self._setup = setup
        self._progress = progress
        self._turn = asyncio.Lock()
        self._workers: list[asyncio.Task[None]] = []
        self.stopped: RunStopped | None = None
        self.interrupted = False
        self._broken: BaseException | None = None

    async def work(self) -> None:
        """Play everything that there is to play; returns when all is done or the run was stopped."""
        jobs = self._jobs()
        slots = min(self._setup.settings.concurrency, self._setup.settings.n)
        self._workers = [asyncio.create_task(self._worker(jobs)) for _ in range(slots)]
        ticker = asyncio.create_task(self._tick())
        try:
            await asyncio.gather(*self._workers, return_exceptions=True)
            await self._setup.gate.home()  # lists of openers are on the wire too
        finally:
            ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ticker
            await jobs.aclose()
        if self._broken is not None:
            raise self._broken

    async def _worker(self, jobs: AsyncIterator[Job]) -> None:
        try:
            while (job := await self._next(jobs)) is not None:
                await stage_for(self._setup.scenery, job).perform()
                if self._setup.folder.full:
                    raise RunStopped(self._setup.folder.full)
        except asyncio.CancelledError:
            return
        except RunStopped as error:
            self.stopped = self.stopped or error
            self.shut()
        except Exception as error:  # the one boundary: anything else is a bug, and must end the run aloud
            self._broken = self._broken or error
            self.shut()

    async def _next(self, jobs: AsyncIterator[Job]) -> Job | None:
        async with self._turn:
            return await anext(jobs, None)

    async def _jobs(self) -> AsyncGenerator[Job, None]:
        setup = self._setup
        for index in setup.folder.unfinished(setup.settings.n):
            yield setup.job(index)
        async for index in setup.new_openers():
            yield setup.job(index)

    def interrupt(self) -> None:
        """Ctrl-C: once to finish what is on the wire, twice to leave at once. Everything finished is saved already."""
        if self.interrupted:
            self._setup.gate.abandon()
            return
        self.interrupted = True
        waiting = self._setup.gate.in_flight
        self._progress.say(f"interrupted: waiting for {waiting} replies on the wire; Ctrl-C again leaves at once")
        self.shut()

    def shut(self) -> None:
        """Send nothing more."""
        self._setup.gate.shut(self._workers)

    async def _tick(self) -> None:
        setup = self._setup
        saved = moved = time.monotonic()
        turns = setup.tally.turns
        while True:
            await asyncio.sleep(TICK_S)
            now = time.monotonic()
            self._progress.show(self.state())
            if now - saved >= CHECKPOINT_EVERY_S:
                setup.folder.checkpoint(setup.totals())
                saved = now
            if setup.tally.turns != turns:
                moved, turns = now, setup.tally.turns
            elif now - moved >= QUIET_S:
                moved = now
                self._progress.say(
                    f"no reply for {QUIET_S:.0f} s: {setup.gate.in_flight} requests on the wire, "
                    f"limited by {setup.limiting()}"
                )

    def state(self) -> State:
        """For the progress line."""
        setup = self._setup
        return State(
            done=setup.folder.done_count,
            n=setup.settings.n,
            failed=setup.folder.failed_count,
            turns=setup.tally.turns,
            tokens=setup.meter.tokens,
            cost_usd=setup.meter.cost_usd,
            rejections=setup.paces.rejections,
            limiting=setup.limiting(),
        )


async def run(
    settings: RunSettings,
    *,
    retry_failed: bool = False,
    progress: Progress | None = None,
    on_start: Callable[[Callable[[], None]], None] | None = None,
) -> dict[str, Any]:
    """Make the dialogues that are asked for and not there yet; returns the summary, which is summary.json too.

    Its `status` is the command's exit status. Raises UsageError before the first request where the settings, the
    inputs or the folder are at fault; a stop by the endpoint or a limit is in the summary (`stopped`), not raised.
    `on_start` is given the function that interrupts the run in good order.
    """
    progress = progress or Progress()
    started = time.monotonic()
    setup = set_up(settings, progress.say)
    try:
        if retry_failed:
            progress.say(f"{setup.folder.retry_failed():,} failed dialogues are tried again")
        setup.folder.start_sync()
        progress.say(_models(settings))
        job = Run(setup, progress)
        if on_start is not None:
            on_start(job.interrupt)
        with interrupted_by_signals(job.interrupt):
            await job.work()
        progress.show(job.state(), last=True)
        return _summary(setup, job, started)
    finally:
        progress.close()
        await setup.close()


def _models(settings: RunSettings) -> str:
    """Who speaks, said before the first request."""
    parts = [
        f"{role}: {settings.endpoint(role).model or 'the only model'} at {settings.roles[role].endpoint}"
        + (_as_taught(settings.roles[role]) if settings.roles[role].trained else "")
        for role in settings.roles
    ]
    if any(settings.endpoint(role).is_builtin for role in settings.roles):
        parts.append("builtin is no language model: its text is made up from word lists, for trying things out")
    if len(settings.assistants) > 1 and _voice(settings, "user") in (
        _voice(settings, one) for one in settings.assistants
    ):
        parts.append("the user's model, which rates, answers as well: a rater leans to its own answers")
    return "; ".join([*parts, f"writing to {settings.out}"])


def _as_taught(role: RoleSettings) -> str:
    told = "told who it is by a brief" if role.brief else "told nothing"
    return f" (taught the user's side: it speaks for itself, {told})"


def _voice(settings: RunSettings, role: str) -> tuple[object, ...]:
    """What makes two endpoints the same model."""
    endpoint = settings.endpoint(role)
    return endpoint.base_url, endpoint.model, endpoint.seed


def _summary(setup: Setup, job: Run, started: float) -> dict[str, Any]:
    folder, n = setup.folder, setup.settings.n
    missing = n - folder.done_count - folder.failed_count
    short = job.stopped is None and not job.interrupted and missing > 0
    stopped = str(job.stopped) if job.stopped else None
    if short:
        stopped = short_pool(folder.done_count + folder.failed_count, n, setup.refused)
    status = 130 if job.interrupted else 3 if job.stopped else 1 if folder.failed_count or short else 0
    summary = {
        "status": status,
        "run": folder.run,
        "sector": setup.sector.name,
        "n": n,
        "dialogues": folder.done_count,
        "failed": folder.failed_count,
        "failed_reasons": dict(folder.failed_reasons()),
        "open": max(0, missing),
        "stopped": stopped,
        "out": str(setup.settings.out),
        "wall_s": round(time.monotonic() - started, 3),
        **setup.totals(),
    }
    folder.checkpoint(setup.totals())
    folder.close(summary)
    return summary
