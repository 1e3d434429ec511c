"""Which dialogues go where: a sample, a split, by strata; a pure function of what is said and of the seed.

A sample of n is part of one of n + 1, and a split of one per cent part of one of two. Dialogues whose users say nearly
the same (0.7 of 3-word shingles) are never on two sides of a split; of texts of more than 44 shingles, which are
estimated first, the 32 likeliest earlier ones are compared. A reading notes 8 bytes of each dialogue, and for a
split what its users say in a file that is deleted afterwards.
"""

import tempfile
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import hash64
from dialogue.disk import temporary
from dialogue.errors import UsageError
from dialogue.near import NearIndex
from dialogue.records import Dialogue

THRESHOLD, SHINGLE_WORDS = 0.7, 3
Keys = NDArray[np.uint64]
LARGEST_GROUP = 0.01
"""Of all dialogues; a larger group of likes stays in the first part, or its size would decide those of the others."""
LEFT_OUT = -1


class Selection:
    """Where each dialogue goes, by its number, once all were noted."""

    def __init__(
        self, *, sample: int | None = None, split: Sequence[float] = (1.0,), by: str | None = None, seed: int = 0
    ) -> None:
        self._sample, self._split, self._by, self._seed = sample, split, by, seed
        self._keys = array("Q")
        self._strata = array("Q")
        self._known = False
        with temporary():
            self._groups: Groups | None = Groups() if len(split) > 1 else None

    def note(self, dialogues: Iterable[Dialogue]) -> None:
        """Take in dialogues, in the order in which they will come again."""
        for dialogue in dialogues:
            said = [message.content for message in dialogue.messages]
            self._keys.append(hash64(self._seed, *said))
            value = value_of(dialogue, self._by) if self._by else None
            self._known = self._known or value is not None
            self._strata.append(0 if value is None else hash64(value))
            if self._groups is not None:
                with temporary():
                    self._groups.add("\n".join(one.content for one in dialogue.messages if one.role == "user"))

    def places(self) -> NDArray[np.int8]:
        """The part of the split that each dialogue goes to, -1 where it is left out."""
        if self._by and len(self._keys) and not self._known:
            raise UsageError(f"--by {self._by}: no dialogue has such a field; as sector, seed.topic, assistant_model")
        keys, strata = np.frombuffer(self._keys, np.uint64), np.frombuffer(self._strata, np.uint64)
        found = np.zeros(len(keys), np.int8)
        if self._sample is not None:
            order = _fairly(keys, strata)
            found[order[self._sample :]] = LEFT_OUT
        if self._groups is not None:
            kept = np.flatnonzero(found != LEFT_OUT)
            found[kept] = self._parts(kept, keys, strata, self._groups.leaders())
            with temporary():
                self._groups.close()
        return found

    def _parts(self, kept: NDArray[np.intp], keys: Keys, strata: Keys, leaders: NDArray[np.int64]) -> NDArray[np.int8]:
        """The part of each: the last ones take whole groups, by their keys, until the next would be too much."""
        groups, group_of, sizes = np.unique(leaders[kept], return_inverse=True, return_counts=True)
        group_keys = np.full(len(groups), np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(group_keys, group_of, keys[kept])
        part = np.zeros(len(groups), np.int8)
        for stratum in np.unique(strata[groups]):
            inside = np.flatnonzero(strata[groups] == stratum)
            total = int(sizes[inside].sum())
            small = inside[sizes[inside] <= max(1, len(kept) * LARGEST_GROUP)]
            small = small[np.argsort(group_keys[small], kind="stable")]
            for number in range(len(self._split) - 1, 0, -1):
                taken = int(np.searchsorted(np.cumsum(sizes[small]), round(self._split[number] * total), side="right"))
                part[small[:taken]] = number
                small = small[taken:]
        found: NDArray[np.int8] = part[group_of]
        return found


def _fairly(keys: Keys, strata: Keys) -> NDArray[np.intp]:
    """All places, so ordered that each beginning has of each stratum what it has of the whole, to one."""
    order = np.lexsort((keys, strata))
    _, starts, sizes = np.unique(strata[order], return_index=True, return_counts=True)
    ranks = np.arange(len(order)) - np.repeat(starts, sizes)
    position = np.empty(len(order))
    position[order] = (ranks + 0.5) / np.repeat(sizes, sizes)
    found: NDArray[np.intp] = np.lexsort((keys, position))
    return found


def value_of(dialogue: Dialogue, path: str) -> Any:
    """What stands under a dotted path of the record, as `seed.topic`; None where nothing does."""
    value: Any = dialogue
    for name in path.split("."):
        if isinstance(value, dict):
            value = value.get(name)
        elif isinstance(value, list | tuple) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            value = getattr(value, name, None) if name in getattr(type(value), "model_fields", ()) else None
    return value


class Groups:
    """Texts that are nearly the same, linked through any number of others."""

    def __init__(self) -> None:
        self._file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._ends = array("Q", [0])
        self._index = NearIndex(THRESHOLD, SHINGLE_WORDS, self._text)
        self._parents: list[int] = []

    def add(self, text: str) -> None:
        """Link the text with all that are like it."""
        number = len(self._parents)
        self._parents.append(number)
        for like in self._index.alike(text):
            self._parents[self._root(number)] = self._root(like)
        data = text.encode("utf-8", "surrogatepass")
        self._file.seek(self._ends[-1])
        self._file.write(data)
        self._ends.append(self._ends[-1] + len(data))
        self._index.add(text)

    def _text(self, number: int) -> str:
        self._file.seek(self._ends[number])
        return self._file.read(self._ends[number + 1] - self._ends[number]).decode("utf-8", "surrogatepass")

    def _root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def leaders(self) -> NDArray[np.int64]:
        """The same number for all of a group."""
        return np.fromiter(map(self._root, range(len(self._parents))), np.int64, len(self._parents))

    def close(self) -> None:
        """Delete what was kept on disk."""
        self._file.close()


def split_of(text: str) -> tuple[float, ...]:
    """The shares in `0.99/0.01`. ValueError where they are no shares of one."""
    try:
        shares = tuple(float(part) for part in text.split("/"))
    except ValueError:
        raise ValueError("expected shares, as 0.99/0.01") from None
    if not 2 <= len(shares) <= 3 or not all(0 < share < 1 for share in shares) or abs(sum(shares) - 1) > 1e-6:
        raise ValueError("expected two or three shares above 0 that sum to 1, as 0.99/0.01")
    return shares


def part_names(parts: int) -> tuple[str, ...]:
    """What the parts of a split are called."""
    return {1: ("train",), 2: ("train", "test"), 3: ("train", "validation", "test")}[parts]


def part_path(path: Path, name: str) -> Path:
    """`data.train.jsonl` beside `data.jsonl`."""
    return path.with_name(f"{path.stem}.{name}{path.suffix}")
