"""Where a run stands: what its folder holds by now."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from generator.folder.opening import Opened


class Standing:
    """The reading half of a run folder; what is written through the other half shows here at once."""

    def __init__(self, opened: Opened) -> None:
        self.path = opened.path
        self.run = opened.run
        """The run's hash: of all settings that make the request."""
        self.totals = opened.totals
        """The caller's counts up to the opening: those of the checkpoint, and every later event folded in."""
        self._disk = opened.disk
        self._logs = opened.logs
        self._journal = opened.journal
        self._ledger = opened.journal.ledger

    @property
    def openers(self) -> int:
        """How many openers were accepted."""
        return len(self._logs.openers)

    @property
    def any_list(self) -> bool:
        """Whether any list of the opener writer's was ever read."""
        return self._logs.lists.read

    @property
    def done_count(self) -> int:
        return len(self._ledger.done)

    @property
    def failed_count(self) -> int:
        return len(self._ledger.failed)

    def failed_reasons(self) -> Counter[str]:
        """The dialogues that are failed now, by reason."""
        lines = map(self._logs.journal.object, self._ledger.failed.values())
        return Counter(str(line["failure"]["reason"]) for line in lines)

    @property
    def full(self) -> str | None:
        """Why nothing more should be asked for: the disk is full, and what is in flight fills the reserve."""
        return self._disk.full

    def opener(self, index: int) -> dict[str, Any]:
        """Line `index` of openers.jsonl."""
        return self._logs.openers[index]

    def items(self, key: str) -> list[str | None] | None:
        """The opener writer's answer under the key; None where there is none."""
        return self._logs.lists.items(key)

    def refused(self, key: str) -> list[dict[str, Any]]:
        """The opener writer's replies under the key that were no list, as they were kept."""
        return self._logs.lists.refused(key)

    def events(self, index: int) -> list[dict[str, Any]]:
        """The `turn`, `reply` and `spent` events of a dialogue that is open; none of any other."""
        return self._journal.events(index)

    def unfinished(self, n: int) -> Iterator[int]:
        """Dialogues below n that were neither done nor failed when this was called: those under way first."""
        under_way = sorted(self._ledger.open)
        begun = frozenset(under_way)
        yield from (index for index in under_way if index < n)
        for index in range(min(n, self.openers)):
            if index not in begun and index not in self._ledger.done and index not in self._ledger.failed:
                yield index
