"""A random sample of a stream that is held, and the groups that dialogues fall into."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from dialogue.chance import rng
from dialogue.errors import UsageError
from dialogue.records import Dialogue
from filters.engine.paths import check_path, value_at

Item = TypeVar("Item")
MOST_GROUPS = 100
NONE, OTHERS = "(none)", "(others)"
"""Groups of what has no value, and of what comes after the first hundred values."""
_SHORT = {
    "language": "seed.language",
    "persona": "seed.persona",
    "topic": "seed.topic",
    "subtopic": "seed.subtopic",
    "kind": "seed.kind",
}
_LONGEST = 80
"""Characters of a group's name."""


class Reservoir(Generic[Item]):
    """A sample of a stream, each of its items as likely as any other; holds no more than it gives."""

    def __init__(self, most: int, seed: int) -> None:
        self._most = most
        self._chance = rng("sample", seed)
        self._held: list[Item] = []
        self._offered = 0

    def offer(self, item: Item) -> None:
        """Perhaps take it."""
        self._offered += 1
        if len(self._held) < self._most:
            self._held.append(item)
        elif (place := self._chance.randrange(self._offered)) < self._most:
            self._held[place] = item

    def drawn(self) -> Iterator[Item]:
        """The sample in random order; each item is let go as it is given."""
        self._chance.shuffle(self._held)
        while self._held:
            yield self._held.pop()

    def __len__(self) -> int:
        return len(self._held)


class Groups:
    """Names of groups by a field of the record: a short name as `language`, or a dotted path. Raises UsageError."""

    def __init__(self, by: str) -> None:
        self.path = _SHORT.get(by, by)
        try:
            check_path(self.path)
        except ValueError as error:
            raise UsageError(f"--by {by}: {error}; short names: {', '.join(_SHORT)}") from None
        self._known: set[str] = set()

    def name(self, dialogue: Dialogue) -> str:
        """The group of a dialogue."""
        value = value_at(dialogue, self.path)
        name = str(value)[:_LONGEST] if isinstance(value, str | int | float) else NONE
        if name in self._known:
            return name
        if len(self._known) >= MOST_GROUPS:
            return OTHERS
        self._known.add(name)
        return name
