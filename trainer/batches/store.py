"""All examples of a training, encoded once and mapped into memory: tokens end to end, and where each begins.

    ids.bin       int32, all tokens
    counts.bin    what each token counts: uint8 (0 or 1), or float32 where weights are asked for
    bounds.bin    int64 (N + 1), where examples begin, and the end
    sums.bin      float64 (N), what their taught tokens count together
    keys.bin      uint64 (N), a hash of the dialogue's id: what is held out is chosen by it
    held.jsonl    the dialogues held out, whole, for replies to them; of files in the files' order
    store.json    what it was made from, and the audit

It is made in a folder beside and put in place whole; one that was made from the same data, tokenizer, template and
settings is found again. What grows in memory with the data are 32 bytes an example.
"""

import json
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import hash64
from dialogue.conversion.remarks import nothing
from dialogue.conversion.row import Row
from dialogue.errors import UsageError
from dialogue.reading import placed, read
from dialogue.records import Dialogue, encode
from trainer.batches.held_out import HeldOut, Known, Left, Placed
from trainer.batches.sources import Source, sides
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
        of_files = about.get("audit_of_files")
        self.audit_of_files = None if of_files is None else Audit.from_dict(of_files)
        """Of the files that are held out, where there are any; their examples are the first."""
        self.folder = folder
        self._ids = _mapped(folder / "ids.bin", np.int32)
        self._counts = _mapped(folder / "counts.bin", np.float32 if about["weighted"] else np.uint8)
        self._bounds = np.fromfile(folder / "bounds.bin", np.int64)
        self.sums: NDArray[np.float64] = np.fromfile(folder / "sums.bin", np.float64)
        keys = np.fromfile(folder / "keys.bin", np.uint64)
        self.lengths: NDArray[np.int64] = np.diff(self._bounds)
        held = keys < np.uint64(self.held_out) if self.held_out < 1 << 64 else np.ones(len(keys), bool)
        held[: about.get("of_files", 0)] = True
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

    def lines(self) -> list[str]:
        """Both audits for people."""
        of_files = [] if self.audit_of_files is None else self.audit_of_files.lines()
        return [*self.audit.lines(), *of_validation(of_files)]

    def lost(self) -> list[str]:
        """What is lost by both."""
        of_files = [] if self.audit_of_files is None else self.audit_of_files.lost()
        return [*self.audit.lost(), *of_validation(of_files)]

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

    UsageError where no example is left, or nothing to learn from beside what is held out, or where files are held out
    in which nothing is taught.
    """
    key = _key(settings, renderer, sources)
    if not _holds(folder, key):
        with whole_folder(folder) as beside:
            _make(settings, renderer, sources, beside, key)
    store = Store(folder)
    if not len(store.learned):
        shutil.rmtree(folder, ignore_errors=True)  # with other settings it is made anew, and with these it is of no use
        data, _ = sides(sources)
        read, lines = named(data), why(store.audit, data)
        if len(store.held) and settings.held_share:
            raise UsageError(
                f"{read}: nothing to learn from beside the {len(store.held):,} examples that are held out; lower "
                f"validation = {settings.held_share:g} ({lines})"
            )
        raise UsageError(f"{read}: nothing to learn from ({lines})")
    return store


def of_validation(lines: Iterable[str]) -> Iterator[str]:
    """What is told of the files for validation, as of them."""
    return (f"validation: {line}" for line in lines)


def why(audit: Audit, sources: list[Source]) -> str:
    """What became of data that nothing is to be learned from."""
    if audit.dialogues:
        return "; ".join(audit.lines())
    return nothing(sources[0].path) if len(sources) == 1 else "no dialogue in any of them"


def named(sources: Iterable[Source]) -> str:
    """The files' paths, for people."""
    return ", ".join(str(source.path) for source in sources)


def _key(settings: TrainSettings, renderer: Renderer, sources: list[Source]) -> str:
    decisive = settings.model_dump(mode="json", include=DECIDING) | {"validation": settings.held_share}
    tokens = renderer.tokenizer.backend_tokenizer.to_str()
    text = renderer.jinja, sorted(renderer.layout.never)
    learned, held = ([source.digest for source in side] for side in sides(sources))
    return f"{hash64(VERSION, sorted(decisive.items()), tokens, text, learned, *([held] if held else [])):016x}"


def _holds(folder: Path, key: str) -> bool:
    try:
        return bool(json.loads((folder / "store.json").read_text(encoding="utf-8"))["key"] == key)
    except (OSError, ValueError, KeyError):
        return False


def _make(settings: TrainSettings, renderer: Renderer, sources: list[Source], folder: Path, key: str) -> None:
    """Files that are held out come first: what stands in them is known before the data is read."""
    weighted = settings.weight_by is not None or bool(settings.weights)
    data, files = sides(sources)
    known, audit, of_files = Known(), Audit(), Audit()
    with ExitStack() as opened, (folder / HELD).open("wb") as held, (folder / LOOKED).open("wb+") as looked:
        written = _Written(folder, weighted, opened)
        for dialogue, made in encoded(settings, renderer, files, of_files, known.meet):
            if made:
                held.write(encode(dialogue))
                written.add(hash64("held out", dialogue.id), made)
        first = written.count
        if files and not first:
            raise nothing_held(files, of_files)
        choice = HeldOut(settings.held_share, looked)
        for dialogue, made in encoded(settings, renderer, data, audit, known.leave_out):
            hash = hash64("held out", dialogue.id)
            if made:
                choice.look(hash, dialogue)
                written.add(hash, made)
        held.writelines(choice.lines())
    (folder / LOOKED).unlink()
    written.finish()
    about = {"key": key, "weighted": weighted, "held_out": choice.bound(), "audit": audit.as_dict()}
    if files:
        about |= {"of_files": first, "audit_of_files": of_files.as_dict()}
    (folder / "store.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def nothing_held(files: list[Source], audit: Audit) -> UsageError:
    """What there is to say of files for validation in which nothing is taught."""
    return UsageError(f"validation: {named(files)}: nothing is taught in it ({why(audit, files)})")


def encoded(
    settings: TrainSettings, renderer: Renderer, sources: list[Source], audit: Audit, left: Left
) -> Iterator[tuple[Dialogue, list[Example]]]:
    """The dialogues that are `left` of the files', each with its examples, source after source."""
    found = rows(settings, sources)
    while some := list(islice(found, TOGETHER)):
        places, spoken = learned(settings, left(some, audit))
        yield from zip(spoken, examples_of(spoken, renderer, settings, audit, places), strict=True)


def learned(settings: TrainSettings, found: Sequence[Placed]) -> tuple[list[Row], list[Dialogue]]:
    """Rows, and dialogues as they are learned."""
    return [row for row, _ in found], [as_learned(dialogue, settings) for _, dialogue in found]


def rows(settings: TrainSettings, sources: list[Source]) -> Iterator[Placed]:
    """All dialogues as they stand there, with their rows, source after source.

    What stands twice is told by these: what is added to them is of the record, and another layout of it has none.
    """
    for source in sources:
        yield from placed(source.path, settings.format)


def dialogues(settings: TrainSettings, sources: list[Source]) -> Iterator[Dialogue]:
    """The same as they are learned, without rows."""
    return (as_learned(dialogue, settings) for _, dialogue in rows(settings, sources))


class _Written:
    """The files of a store, while it is made."""

    def __init__(self, folder: Path, weighted: bool, opened: ExitStack) -> None:
        self._folder, self._weighted = folder, weighted
        names = ("ids.bin", "counts.bin", "keys.bin")
        self._ids, self._counts, self._keys = (opened.enter_context((folder / name).open("wb")) for name in names)
        self._bounds, self._sums = array("q", [0]), array("d")

    @property
    def count(self) -> int:
        """Examples so far."""
        return len(self._sums)

    def add(self, hash: int, made: Iterable[Example]) -> None:
        """Write the examples of a dialogue, whose id has this hash."""
        for example in made:
            self._ids.write(example.input_ids.astype(np.int32).tobytes())
            self._counts.write(example.weights.astype(np.float32 if self._weighted else np.uint8).tobytes())
            self._keys.write(np.uint64(hash).tobytes())
            self._bounds.append(self._bounds[-1] + len(example.input_ids))
            self._sums.append(float(np.sum(example.weights[1:], dtype=np.float64)))

    def finish(self) -> None:
        """Write what was gathered in memory."""
        np.array(self._bounds, np.int64).tofile(self._folder / "bounds.bin")
        np.array(self._sums, np.float64).tofile(self._folder / "sums.bin")


def _mapped(path: Path, dtype: Any) -> NDArray[Any]:
    return np.memmap(path, dtype, "r") if path.stat().st_size else np.zeros(0, dtype)
