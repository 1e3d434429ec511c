"""A sector's tree of lists: topics, subtopics, questions; each list is one request, each item may grow the next list.

Everything is addressed by number, so that nothing depends on the order in which replies arrive: batch k of a level
always grows from the same item of the level above, item j of a level always stands at the same place of the same
batch. A list that came back short leaves gaps; the plan simply goes on to the next item.

Parents are taken breadth first (the first item of every list, then the second of every list), and the first lists
are short: twenty dialogues then come from a dozen topics, and plan(20) is still a prefix of plan(100,000).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dialogue.chance import rng
from prompts.sector import Level, Root

BLOCK = 1024
"""Lists whose items are interleaved breadth first; it bounds what a level keeps in memory."""

EARLY = ((30, 3), (60, 5))
"""Until this batch of an opener level, ask for at most so many items; of instructions on a passage for all at once, so
that few passages give as many as they can."""

Path = tuple[tuple[str, str], ...]
"""The way from the root down, as (label, value) pairs: (("Topic", "Energy"), ("Subtopic", "Heat pumps"))."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One list to ask for."""

    level: Level
    language: str
    number: int
    size: int
    path: Path
    earlier: tuple[str, ...]
    """What earlier passes over the same parent gave."""

    @property
    def key(self) -> str:
        """The list's name in lists.jsonl."""
        return f"{self.language}/{self.level.name}/{self.number}"


Ask = Callable[[Batch], Awaitable[Sequence[str | None]]]
"""Answers a batch with its items in order, None for a gap; never raises for a bad list."""


def seen(task: "asyncio.Task[Any]") -> None:
    """Take note of a task's exception: whoever awaits it gets it, and when nobody does any more the run is ending."""
    if not task.cancelled():
        task.exception()


class Shelf:
    """All lists of one level in one language."""

    def __init__(self, level: Level, language: str, above: "Shelf | Sequence[Root]", ask: Ask) -> None:
        self.level = level
        self.language = language
        self.above = above
        self._ask = ask
        self._asked: OrderedDict[int, asyncio.Task[Sequence[str | None]]] = OrderedDict()
        parents = above.capacity if isinstance(above, Shelf) else len(above)
        self.batches = parents * level.passes
        """How many lists there can be."""
        self._block = parents if not isinstance(above, Shelf) and level.passes > 1 else BLOCK

    @property
    def capacity(self) -> int:
        """How many items there can be."""
        return sum(self._block_size(block) for block in range(-(-self.batches // self._block)))

    def size(self, number: int) -> int:
        """How many items batch `number` asks for."""
        if self.level.opener and not self.level.joins:
            for until, size in EARLY:
                if number < until:
                    return min(size, self.level.batch)
        return self.level.batch

    async def items(self, number: int) -> Sequence[str | None]:
        """The items of a batch, asked for once however many wait for them."""
        task = self._asked.get(number)
        if task is None:
            task = self._asked[number] = asyncio.ensure_future(self._grow(number))
            task.add_done_callback(seen)
            self._forget()
        else:
            self._asked.move_to_end(number)
        return await asyncio.shield(task)

    async def path(self, number: int) -> Path | None:
        """The way to the parent of a batch; None where the parent is a gap."""
        parent = self._parent(number)
        if not isinstance(self.above, Shelf):
            return tuple(step for root in self.shown(number) for step in root.path)
        place = self.above.place(parent)
        above, items = await asyncio.gather(self.above.path(place[0]), self.above.items(place[0]))
        item = items[place[1]] if place[1] < len(items) else None
        return None if above is None or item is None else (*above, (self.above.level.what, item))

    def root(self, number: int) -> Root:
        """The root that a batch grows from in the end."""
        parent = self._parent(number)
        return self.above.root(self.above.place(parent)[0]) if isinstance(self.above, Shelf) else self.above[parent]

    def shown(self, number: int) -> list[Root]:
        """The roots that a batch's request shows: the one that it grows from, and others drawn beside it."""
        if isinstance(self.above, Shelf):
            return [self.root(number)]
        parent, count = self._parent(number), min(self.level.shows, len(self.above))
        others = rng("shown", self.language, self.level.name, number).sample(range(len(self.above) - 1), count - 1)
        return [self.above[place] for place in (parent, *(other + (other >= parent) for other in others))]

    def places(self, number: int) -> tuple[tuple[str, int, int], ...]:
        """Level, batch and column of each item on the way from the root to a batch, from the top."""
        if not isinstance(self.above, Shelf):
            return ()
        place = self.above.place(self._parent(number))
        return (*self.above.places(place[0]), (self.above.level.name, *place))

    def example_path(self) -> Path:
        """A way down to a list of this shelf: a real root, and placeholders for the items on the way."""
        if not isinstance(self.above, Shelf):
            return tuple(step for root in self.shown(0) for step in root.path)
        level = self.above.level
        return (*self.above.example_path(), (level.what, f"(an item of the list of {level.name})"))

    def above_are_names(self) -> list[bool]:
        """For each level between the root and this one, from the top: whether its items are names and not openers."""
        if not isinstance(self.above, Shelf):
            return []
        return [*self.above.above_are_names(), not self.above.level.opener]

    async def _grow(self, number: int) -> Sequence[str | None]:
        path = await self.path(number)
        if path is None:
            return ()
        earlier: list[str] = []
        for before in () if self.level.alike or self.level.wants else self._earlier(number):
            earlier += [item for item in await self.items(before) if item]
        return await self._ask(Batch(self.level, self.language, number, self.size(number), path, tuple(earlier)))

    def _parent(self, number: int) -> int:
        if isinstance(self.above, Shelf):
            return number // self.level.passes
        return number % len(self.above)

    def _earlier(self, number: int) -> range:
        if isinstance(self.above, Shelf):
            return range(number - number % self.level.passes, number)
        return range(number % len(self.above), number, len(self.above))

    def place(self, index: int) -> tuple[int, int]:
        """(batch, column) of the item at `index` in breadth-first order."""
        block = 0
        while index >= self._block_size(block):
            index -= self._block_size(block)
            block += 1
        first, last = block * self._block, min(self.batches, (block + 1) * self._block)
        for column in range(self.level.batch):
            # Sizes never fall with the number, so those long enough for this column are the last ones.
            start = next((number for number in range(first, last) if self.size(number) > column), last)
            if index < last - start:
                return start + index, column
            index -= last - start
        raise AssertionError("an index within the block has a place")

    def parents(self, lists: int) -> "tuple[int, Shelf | None]":
        """How many lists of the level above the first `lists` lists grow from, and that level's shelf, if it is one."""
        if not isinstance(self.above, Shelf):
            return 0, None
        items, above, needed = -(-lists // self.level.passes), self.above, 0
        for block in range(-(-above.batches // above._block)):
            if items <= 0:
                break
            size = min(above._block, above.batches - block * above._block)
            needed += min(size, items)
            items -= above._block_size(block)
        return needed, above

    def _block_size(self, block: int) -> int:
        first, last = block * self._block, min(self.batches, (block + 1) * self._block)
        if first >= last:
            raise IndexError(f"{self.level.name}: only {self.batches} lists")
        early = max((until for until, _ in EARLY), default=0)
        plain = max(0, last - max(first, early))
        return sum(map(self.size, range(first, min(last, early)))) + plain * self.level.batch

    def _forget(self) -> None:
        while len(self._asked) > 2 * max(self._block, 32):
            oldest = next(iter(self._asked))
            if not self._asked[oldest].done():
                break
            del self._asked[oldest]


def shelves(levels: Sequence[Level], language: str, roots: Mapping[str, Sequence[Root]], ask: Ask) -> dict[str, Shelf]:
    """The shelves of a sector in one language, by level name; `roots` by the name of their source."""
    found: dict[str, Shelf] = {}
    for level in levels:
        above = found.get(level.source)
        found[level.name] = Shelf(level, language, roots[level.source] if above is None else above, ask)
    return found
