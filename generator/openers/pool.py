"""Opening lines: made in batches, refused when they resemble one another, accepted in plan order.

The plan is a fixed sequence of slots. Slot i belongs to one stream, that is one level of the sector's tree in one
language, by error diffusion over the shares, so every prefix keeps the proportions. A slot takes the next good
candidate of its stream; a refused candidate is passed over and the stream's next list fills the gap. Nothing here
depends on when a reply arrives, so plan(n) is a prefix of plan(n + k), however often the run was killed in between.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from pydantic import JsonValue

from dialogue.faults import opener_fault
from dialogue.likeness import jaccard
from dialogue.near import NearIndex
from dialogue.novelty import Index
from dialogue.records import Seed
from generator.openers.tree import Path, Shelf, seen
from prompts.sector import Level, Root

Item = TypeVar("Item")

NEAR = 0.7
"""Word 3-gram Jaccard similarity from which two openers of a run count as the same."""

NEAR_IN_LIST = 0.5
"""The same within one list, where a writer drifts into one frame."""

NGRAM = 3

RESTORED_AT_ONCE = 200
"""Openers indexed anew at resume before others get their turn."""

POOR_LISTS = 30
"""Lists running that gave nothing new before a stream is given up."""


@dataclass(frozen=True, slots=True)
class Opener:
    """An accepted opening line and what it grew from."""

    id: str
    text: str
    seed: Seed
    stream: str
    place: tuple[int, int]
    """Batch and column in its stream."""
    root: Root
    """What it grew from in the end."""
    shown: tuple[Root, ...] = ()
    """All that the request for it showed."""
    path: Path = ()
    way: tuple[tuple[str, int, int], ...] = ()
    """Level, batch and column of each step of the path below the root."""


@dataclass(slots=True)
class Stream:
    """The candidates of one level in one language, in order."""

    name: str
    weight: float
    shelf: Shelf
    batch: int = 0
    column: int = 0
    """Where the next candidate stands."""
    taken: int = 0
    poor: int = 0
    dry: bool = False
    kept: list[str] = field(default_factory=list)
    """Openers accepted from the present list."""
    ahead: deque["asyncio.Task[tuple[Sequence[str | None], Path | None]]"] = field(default_factory=deque)

    def look_ahead(self, lists: int) -> None:
        """Have the next lists under way."""
        for number in range(self.batch + len(self.ahead), min(self.batch + max(1, lists), self.shelf.batches)):
            task = asyncio.ensure_future(self._fetch(number))
            task.add_done_callback(seen)
            self.ahead.append(task)

    async def _fetch(self, number: int) -> tuple[Sequence[str | None], Path | None]:
        return await self.shelf.items(number), await self.shelf.path(number)

    async def candidates(self, lists: Callable[[], int]) -> AsyncIterator[tuple[str, Path, tuple[int, int]]]:
        """The next candidates; ends when the stream is dry. `lists()` says how many lists to have under way."""
        while self.batch < self.shelf.batches and self.poor < POOR_LISTS:
            self.look_ahead(lists())
            items, path = await self.ahead[0]
            while self.column < len(items):
                place, text = (self.batch, self.column), items[self.column]
                self.column += 1
                if text and path is not None:
                    yield text, path, place
            self.poor = 0 if self.kept else self.poor + 1
            self.ahead.popleft()
            self.batch, self.column, self.kept = self.batch + 1, 0, []
        self.dry = True

    def close(self) -> None:
        """Drop what was under way."""
        for task in self.ahead:
            task.cancel()


def due(streams: Sequence[Stream], slot: int) -> Stream | None:
    """The stream that slot `slot` (from 0) belongs to: the one furthest behind its share; None when all are dry."""
    open_streams = [stream for stream in streams if not stream.dry]
    total = sum(stream.weight for stream in open_streams)
    if not open_streams:
        return None
    return max(open_streams, key=lambda stream: stream.weight / total * (slot + 1) - stream.taken)


class Pool:
    """Accepts openers in plan order."""

    def __init__(
        self,
        streams: Sequence[Stream],
        *,
        identify: Callable[[str], str],
        text_of: Callable[[int], str],
        say: Callable[[str], None],
        index: Index | None = None,
        refused: Counter[str] | None = None,
    ) -> None:
        """`text_of`: the opener of that number, once it has been accepted.

        `index`: the sector's own measure, of instructions without what they work on. `refused`: what the writer left
        out already is counted there as well.
        """
        self._streams = streams
        self._identify = identify
        self._text_of = text_of
        self._say = say
        self._own_measure = index is not None
        self._compared = instruction_of if index is not None else str
        self._near: Index = index or NearIndex(NEAR, NGRAM, text_of)
        self.refused: Counter[str] = Counter() if refused is None else refused
        self.count = 0

    async def restore(self, accepted: Iterable[tuple[str, tuple[int, int], str]]) -> None:
        """Take up the openers that an earlier call of the run accepted: stream, place and text of each, in order."""
        by_name = {stream.name: stream for stream in self._streams}
        for chunk in batched(accepted, RESTORED_AT_ONCE):
            for name, (batch, column), text in chunk:
                stream = by_name[name]
                if batch != stream.batch:
                    stream.batch, stream.kept = batch, []
                stream.column = column + 1
                stream.kept.append(text)
                stream.taken += 1
            self._near.extend(self._compared(text) for _, _, text in chunk)
            self.count += len(chunk)
            await asyncio.sleep(0)

    async def openers(self, n: int, slots: int) -> AsyncIterator[Opener]:
        """Openers number `count` to n - 1; ends early when the pool is dry.

        `slots` is the number of dialogues that run side by side, and so how far to look ahead.
        """
        sources = {stream.name: stream.candidates(self._lists(stream, n, slots)) for stream in self._streams}
        total = sum(stream.weight for stream in self._streams)
        for stream in self._streams:
            if stream.weight / total * min(n - self.count, slots) >= 1:
                stream.look_ahead(self._lists(stream, n, slots)())
        try:
            while self.count < n:
                turn = due(self._streams, self.count)
                if turn is None:
                    break
                opener = await self._next(turn, sources[turn.name])
                if opener is None:
                    self._say(f"openers: {turn.name} is used up after {turn.taken:,}; its share goes to the others")
                else:
                    self.count += 1
                    yield opener
        finally:
            for stream in self._streams:
                stream.close()

    def _lists(self, stream: Stream, n: int, slots: int) -> Callable[[], int]:
        def lists() -> int:
            weight = stream.weight / sum(other.weight for other in self._streams if not other.dry or other is stream)
            wanted = min(n - self.count, 2 * slots) * weight
            return max(1, round(wanted / stream.shelf.size(stream.batch)))

        return lists

    async def _next(self, stream: Stream, source: AsyncIterator[tuple[str, Path, tuple[int, int]]]) -> Opener | None:
        async for text, path, place in source:
            language = stream.shelf.language
            if self._refuses(text, language, stream.kept, stream.shelf.level):
                continue
            self._near.add(self._compared(text))
            stream.kept.append(text)
            stream.taken += 1
            key = f"{stream.name}/{place[0]}/{place[1]}"
            shelf, seed = stream.shelf, _seed(stream, path)
            root, shown, way = shelf.root(place[0]), tuple(shelf.shown(place[0])), shelf.places(place[0])
            return Opener(self._identify(key), text, seed, stream.name, place, root, shown, path, way)
        return None

    def _refuses(self, text: str, language: str, siblings: Sequence[str], level: Level) -> bool:
        if level.template is None:  # nobody wrote it but the user: it stays as it is
            return False
        fault = opener_fault(text, language)
        if fault is not None:
            self.refused[fault.check] += 1
            return True
        if level.alike and not level.joins:
            return False
        siblings = () if self._own_measure else siblings
        if any(jaccard(text, other, NGRAM) >= NEAR_IN_LIST for other in siblings):
            self.refused["near_in_list"] += 1
            return True
        if not level.alike and self._near.find(self._compared(text)) is not None:
            self.refused["near"] += 1
            return True
        return False


def instruction_of(text: str) -> str:
    """Of a task the instruction: what it works on stands behind an empty line."""
    return text.partition("\n\n")[0]


def _seed(stream: Stream, path: Path) -> Seed:
    """What an opener grew from; an opener on the way down is no topic, but it is kept. And what its level notes."""
    are_names = stream.shelf.above_are_names()
    steps = list(zip(path[len(path) - len(are_names) :], are_names, strict=True))
    names = [value for (_, value), is_name in steps if is_name]
    parents: dict[str, JsonValue] = {label.lower(): value for (label, value), is_name in steps if not is_name}
    level = stream.shelf.level
    return Seed(
        topic=path[0][1],
        subtopic=names[-1] if names else None,
        kind=level.name,
        language=stream.shelf.language,
        extra={**({"from": parents} if parents else {}), **level.extra},
    )


def short_pool(made: int, n: int, refused: Mapping[str, int]) -> str:
    """What to tell a user whose pool could not be filled."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(refused.items(), key=lambda item: -item[1]))
    return (
        f"openers: only {made:,} of {n:,} could be made (refused: {reasons or 'none'}); "
        "more roots (--input), another --seed with another --out, or a livelier opener model would give more"
    )


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """The items in lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
