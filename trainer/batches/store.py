"""All examples of a training, encoded once and mapped into memory: tokens end to end, and where each begins.

    ids.bin       int32, all tokens
    counts.bin    what each token counts: uint8 (0 or 1), or float32 where weights are asked for
    bounds.bin    int64 (N + 1), where examples begin, and the end
    sums.bin      float64 (N), what their taught tokens count together
    keys.bin      uint64 (N), a hash of the dialogue's id: what is held out is chosen by it
    held.jsonl    the dialogues held out, whole, for replies to them
    store.json    what it was made from, and the audit

It is made in a folder beside and put in place whole; one that was made from the same data, tokenizer, template and
settings is found again. What grows in memory with the data are 32 bytes an example.
"""

import heapq
import json
import shutil
from array import array
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import hash64
from dialogue.conversion.remarks import nothing
from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.reading import placed, read
from dialogue.records import Dialogue, encode
from trainer.batches.sources import Source
from trainer.loop.folder import whole_folder
from trainer.settings import TrainSettings
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX, Example
from trainer.text.examples import examples_of
from trainer.text.render import Renderer
from trainer.text.user_side import as_learned

VERSION = 2
TOGETHER = 512
"""Dialogues that go through the tokenizer at once."""
DECIDING = {
    *("format", "template", "train_on", "brief", "endings", "thoughts", "max_length", "overflow"),
    *("weight_by", "weights", "classes"),
}
HELD = "held.jsonl"
LOOKED = "looked.jsonl"
"""Dialogues that may be held out, while the store is made."""


class Store:
    """The examples in a folder; the folder itself is not looked at again."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / "store.json").read_text(encoding="utf-8"))
        self.key: str = about["key"]
        self.audit = Audit.from_dict(about["audit"])
        self.held_out: int = about["held_out"]
        """Examples whose key is below this are held out."""
        self.folder = folder
        self._ids = _mapped(folder / "ids.bin", np.int32)
        self._counts = _mapped(folder / "counts.bin", np.float32 if about["weighted"] else np.uint8)
        self._bounds = np.fromfile(folder / "bounds.bin", np.int64)
        self.sums: NDArray[np.float64] = np.fromfile(folder / "sums.bin", np.float64)
        keys = np.fromfile(folder / "keys.bin", np.uint64)
        self.lengths: NDArray[np.int64] = np.diff(self._bounds)
        held = keys < np.uint64(self.held_out) if self.held_out < 1 << 64 else np.ones(len(keys), bool)
        self.learned = np.flatnonzero(~held)
        """Places of the examples to learn from."""
        self.held = np.flatnonzero(held)
        """Places of those held out."""

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, place: int) -> Example:
        """The example at a place; its id is the place."""
        start, end = self._bounds[place], self._bounds[place + 1]
        ids = np.asarray(self._ids[start:end])
        weights = np.asarray(self._counts[start:end], np.float32)
        return Example(str(place), ids, np.where(weights > 0, ids, np.int32(IGNORE_INDEX)), weights)

    def held_dialogues(self) -> Iterator[Dialogue]:
        """The dialogues held out, as they were."""
        return read(self.folder / HELD) if (self.folder / HELD).stat().st_size else iter(())


class View(NamedTuple):
    """Some of a store's examples under numbers of their own."""

    store: Store
    places: NDArray[np.int64]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,), tokens."""
        return self.store.lengths[self.places]

    def __getitem__(self, number: int) -> Example:  # type: ignore[override]
        return self.store[int(self.places[number])]

    def counts(self, numbers: list[int]) -> tuple[float, int]:
        """What the taught tokens of these examples count together, and how many tokens they have.

        Only these are looked up: at ten million examples all of them took 0.4 s, at every step.
        """
        places = self.places[numbers]
        return float(self.store.sums[places].sum()), int(self.store.lengths[places].sum())


def build(settings: TrainSettings, renderer: Renderer, folder: Path, sources: list[Source]) -> Store:
    """The store of the settings' data in a folder, found there or made anew.

    UsageError where no example is left, or nothing to learn from beside what is held out.
    """
    key = _key(settings, renderer, sources)
    if not _holds(folder, key):
        with whole_folder(folder) as beside:
            _make(settings, renderer, sources, beside, key)
    store = Store(folder)
    if not len(store.learned):
        shutil.rmtree(folder, ignore_errors=True)  # with other settings it is made anew, and with these it is of no use
        read, lines = ", ".join(str(source.path) for source in sources), why(store.audit, sources)
        if len(store.held):
            raise UsageError(
                f"{read}: nothing to learn from beside the {len(store.held):,} examples that are held out; lower "
                f"validation = {settings.validation:g} ({lines})"
            )
        raise UsageError(f"{read}: nothing to learn from ({lines})")
    return store


def why(audit: Audit, sources: list[Source]) -> str:
    """What became of data that nothing is to be learned from."""
    if audit.dialogues:
        return "; ".join(audit.lines())
    return nothing(sources[0].path) if len(sources) == 1 else "no dialogue in any of them"


def _key(settings: TrainSettings, renderer: Renderer, sources: list[Source]) -> str:
    decisive = settings.model_dump(mode="json", include=DECIDING | {"validation"})
    tokens = renderer.tokenizer.backend_tokenizer.to_str()
    text = renderer.jinja, sorted(renderer.layout.never)
    return f"{hash64(VERSION, sorted(decisive.items()), tokens, text, [one.digest for one in sources]):016x}"


def _holds(folder: Path, key: str) -> bool:
    try:
        return bool(json.loads((folder / "store.json").read_text(encoding="utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError):
        return False


def _make(settings: TrainSettings, renderer: Renderer, sources: list[Source], folder: Path, key: str) -> None:
    audit = Audit()
    weighted = settings.weight_by is not None or bool(settings.weights)
    bounds, sums = array("q", [0]), array("d")
    names = ("ids.bin", "counts.bin", "keys.bin")
    ids, counts, keys = ((folder / name).open("wb") for name in names)
    with ids, counts, keys, (folder / LOOKED).open("wb+") as looked:
        choice = _HeldOut(settings.validation, looked)
        found = rows(settings, sources)
        while some := list(islice(found, TOGETHER)):
            places, read = [row for row, _ in some], [dialogue for _, dialogue in some]
            for dialogue, made in zip(read, examples_of(read, renderer, settings, audit, places), strict=True):
                hash = hash64("held out", dialogue.id)
                if made:
                    choice.look(hash, dialogue)
                for example in made:
                    _write(example, hash, weighted, ids, counts, keys)
                    bounds.append(bounds[-1] + len(example.input_ids))
                    sums.append(float(np.sum(example.weights[1:], dtype=np.float64)))
        with (folder / HELD).open("wb") as held:
            held.writelines(choice.lines())
    (folder / LOOKED).unlink()
    np.array(bounds, np.int64).tofile(folder / "bounds.bin")
    np.array(sums, np.float64).tofile(folder / "sums.bin")
    about = {"key": key, "weighted": weighted, "held_out": choice.bound(), "audit": audit.as_dict()}
    (folder / "store.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def rows(settings: TrainSettings, sources: list[Source]) -> Iterator[tuple[Row, Dialogue]]:
    """All dialogues as they are learned, with their rows, source after source."""
    for source in sources:
        for row, dialogue in placed(source.path, settings.format):
            yield row, as_learned(dialogue, settings)


def dialogues(settings: TrainSettings, sources: list[Source]) -> Iterator[Dialogue]:
    """The same without rows."""
    return (dialogue for _, dialogue in rows(settings, sources))


def _write(example: Example, hash: int, weighted: bool, ids: IO[bytes], counts: IO[bytes], keys: IO[bytes]) -> None:
    ids.write(example.input_ids.astype(np.int32).tobytes())
    counts.write(example.weights.astype(np.float32 if weighted else np.uint8).tobytes())
    keys.write(np.uint64(hash).tobytes())


def _mapped(path: Path, dtype: Any) -> NDArray[Any]:
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)


class _HeldOut:
    """Which dialogues are held out: those of the smallest hashes, a share of all or so many. They wait in a file."""

    def __init__(self, validation: float, file: IO[bytes]) -> None:
        self._share = validation if validation < 1 else None
        self._count = int(validation)
        self._file = file
        self._heap: list[tuple[int, int, int]] = []
        """Of the smallest hashes, the largest first, negated; where its dialogue begins in the file, and its bytes."""
        self._seen: set[int] = set()

    def look(self, hash: int, dialogue: Dialogue) -> None:
        """See a dialogue go by."""
        if self._share is not None:
            if hash < self._share * 2.0**64:
                self._heap.append(self._waiting(hash, dialogue))
            return
        if hash in self._seen or (len(self._heap) == self._count and hash > -self._heap[0][0]):
            return
        heapq.heappush(self._heap, self._waiting(hash, dialogue))
        self._seen.add(hash)
        if len(self._heap) > self._count:
            self._seen.discard(-heapq.heappop(self._heap)[0])

    def _waiting(self, hash: int, dialogue: Dialogue) -> tuple[int, int, int]:
        line = encode(dialogue)
        at = self._file.tell()
        self._file.write(line)
        return -hash, at, len(line)

    def bound(self) -> int:
        """The hash below which a dialogue is held out."""
        if self._share is not None:
            return int(self._share * 2.0**64)
        return max((-negated for negated, _, _ in self._heap), default=-1) + 1

    def lines(self) -> Iterator[bytes]:
        """The dialogues held out, in the order of their hashes."""
        for _, at, size in sorted(self._heap, key=lambda one: (-one[0], one[1])):
            self._file.seek(at)
            yield self._file.read(size)
