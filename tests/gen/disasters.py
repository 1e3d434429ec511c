"""Faults that strike the server, the disk or the folder as a whole, each played through in its own way."""

import asyncio
import json
import os
import socket
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from faulty import HANG, Answer
from played import Outcome, command, mending, outcome
from runs import Body, Disk, Said, Watched, begin, end, gen, good, side, well

if TYPE_CHECKING:
    from cases import Case


class NotHere(Exception):
    """This machine cannot play the case; the text says why."""


async def gone_and_back(case: "Case", place: Path, away_s: float = 3.0) -> Outcome:
    """The server closes its door and every connection after six answers, and opens it again."""
    closing: list[asyncio.Task[None]] = []

    async def leave() -> None:
        await server.stop()
        await asyncio.sleep(away_s)
        await server.start()

    def act(number: int, body: Body) -> Answer:
        if number == 6:
            closing.append(asyncio.create_task(leave()))
        return well(body)

    async with Watched(act) as server:
        words = command(case, place, server.base_url)
        first = await gen(*words)
        await asyncio.gather(*closing)
        disk, mark = Disk.of(place / "run"), server.requests
        again = await gen(*words)
        return _of(place, first, disk, again, server, mark)


async def nobody(case: "Case", place: Path) -> Outcome:
    """Nobody listens; then somebody does."""
    with dead() as (url, port):
        first = await gen(*command(case, place, url))
        disk = Disk.of(place / "run")
    server = Watched()
    server.port = port
    async with server:
        again = await gen(*command(case, place, server.base_url))
        return _of(place, first, disk, again, server, 0)


async def one_dead(case: "Case", place: Path) -> Outcome:
    """Two addresses, one of which nobody listens at."""
    with dead() as (url, _):
        async with Watched() as server:
            words = command(case, place, server.base_url, url)
            first = await gen(*words)
            disk, mark = Disk.of(place / "run"), server.requests
            again = await gen(*words)
            return _of(place, first, disk, again, server, mark)


async def one_dies(case: "Case", place: Path) -> Outcome:
    """Two servers, of which the first to have given three answers closes for ever."""
    closing: list[asyncio.Task[None]] = []
    left: list[Watched] = []

    def mortal(other: int) -> Callable[[int, Body], Answer]:
        def act(number: int, body: Body) -> Answer:
            if number == 3 and not closing:  # which one it is hangs on their ports, by which dialogues are dealt out
                closing.append(asyncio.create_task(servers[1 - other].stop()))
                left.append(servers[other])
            return well(body)

        return act

    async with Watched(mortal(1)) as one, Watched(mortal(0)) as another:
        servers = (one, another)
        words = command(case, place, one.base_url, another.base_url)
        first = await gen(*words)
        assert closing, "the dialogues never met the server that dies"
        (server,) = left
        disk, mark = Disk.of(place / "run"), server.requests
        again = await gen(*words)
        return _of(place, first, disk, again, server, mark)


async def disk_full(case: "Case", place: Path) -> Outcome:
    """Eight megabytes of disk, answers of 60 kB; then room is made."""
    with memory_disk(place / "disk", "8m") as resize:
        folder = place / "disk" / "run"

        def act(number: int, body: Body) -> Answer:
            said = well(body)
            if side(body) != "assistant":
                return said
            plain = json.loads(said.body)["choices"][0]["message"]["content"]
            return well(body, content=f"{plain} " + "and so on " * 6000)

        async with Watched(act) as server:
            words = command(case, place, server.base_url, folder=folder)
            first = await gen(*words)
            disk, mark, answered = Disk.of(folder), server.requests, Counter(server.answered)
            resize("size=64m")
            again = await gen(*words, *mending(disk))
            return outcome(
                place, folder, first, disk, again, server.bodies[:mark], server.bodies[mark:], answered, server.statuses
            )


async def no_room(case: "Case", place: Path) -> Outcome:
    """One megabyte of disk; then room is made."""
    with memory_disk(place / "disk", "1m") as resize:
        return await _mended_between(case, place, place / "disk" / "run", lambda: resize("size=64m"))


async def read_only(case: "Case", place: Path) -> Outcome:
    """A folder that cannot be written to; then it can."""
    folder = place / "disk" / "run"
    if os.geteuid() != 0:
        folder.mkdir(parents=True)
        folder.chmod(0o555)
        return await _mended_between(case, place, folder, lambda: folder.chmod(0o755))
    with memory_disk(place / "disk", "64m") as change:
        folder.mkdir()
        change("ro")
        return await _mended_between(case, place, folder, lambda: change("rw"))


async def two_runs(case: "Case", place: Path) -> Outcome:
    """The same command twice at once: the second is looked at. The server is silent until that one has ended."""
    async with Watched(lambda number, body: HANG) as server:
        words = command(case, place, server.base_url)
        child = await begin(*words)
        while not server.requests:
            await asyncio.sleep(0.02)
        second = await gen(*words)
        disk, server.act = Disk.of(place / "run"), good
        (await end(child)).check(0)
        mark = server.requests
        again = await gen(*words)
        return _of(place, second, disk, again, server, mark)


async def _mended_between(case: "Case", place: Path, folder: Path, mend: Callable[[], None]) -> Outcome:
    """A call on a disk that takes nothing, and another when it does."""
    async with Watched() as server:
        words = command(case, place, server.base_url, folder=folder)
        first = await gen(*words)
        disk, mark = Disk.of(folder), server.requests
        mend()
        again = await gen(*words)
        return _of(place, first, disk, again, server, mark, folder)


def _of(
    place: Path, first: Said, disk: Disk, again: Said, server: Watched, mark: int, folder: Path | None = None
) -> Outcome:
    asked, asked_again = server.bodies[:mark], server.bodies[mark:]
    return outcome(place, folder or place / "run", first, disk, again, asked, asked_again, Counter(), server.statuses)


@contextmanager
def dead() -> Iterator[tuple[str, int]]:
    """An address that nobody listens at, and its port, kept from others until the end."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        yield f"http://127.0.0.1:{port}/v1", port


@contextmanager
def memory_disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A small disk in memory; the function mounts it anew with other options. NotHere where mounting is refused."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotHere(f"needs a small disk, and mounting one is refused: {getattr(error, 'stderr', error)}") from None
    try:
        yield lambda options: _remount(place, options)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def _remount(place: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(place)], check=True)
