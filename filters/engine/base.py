"""What a filter is: settings, and a verdict on each dialogue; or, for copies, on a whole corpus.

    Filter         apply(dialogue) -> the dialogue, an edited one, or Drop(reason, evidence)
    └── Limits     measures, and drops what lies beyond a setting `most_X` or `least_X`
    CorpusFilter   prepare(texts ...) for every block of the corpus, then decide(corpus) -> Copies

A filter is the class in `filters/NAME.py` whose name is NAME in camel case. It never calls a model.
"""

import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationInfo, field_validator
from xxhash import xxh3_64_hexdigest

from dialogue.chance import hex64
from dialogue.records import Dialogue
from filters.engine.paths import check_path

JUDGING = ("ftfy", "py3langid")
"""Packages whose versions change verdicts."""


@dataclass(frozen=True, slots=True)
class Drop:
    """A dialogue is left out: why, in one word, and what shows it."""

    reason: str
    evidence: dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a filter says of one dialogue."""

    outcome: Dialogue | Drop
    measures: Mapping[str, float] = field(default_factory=dict)
    """What was measured, for the report's histograms."""
    notes: Sequence[dict[str, JsonValue]] = ()
    """What is kept and should be looked at: lines of notes.jsonl."""
    idle: bool = False
    """Whether the dialogue does not concern the filter."""


class Settings(BaseModel):
    """A filter's settings: frozen, closed to unknown keys, each documented where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    def fingerprint(self) -> str:
        """16 hex digits that stand for the verdicts: equal ones mean equal verdicts on equal dialogues."""
        return hex64(type(self).__module__, sources(), orjson.dumps(self.model_dump(mode="json")).decode())


@cache
def sources(root: Path = Path(__file__).parents[2]) -> str:
    """A hash of all that verdicts are made of: code, phrases and rules. What another version computed is not used."""
    files = sorted(path for folder in ("dialogue", "filters") for path in (root / folder).rglob("*.*"))
    ours = (xxh3_64_hexdigest(path.read_bytes()) for path in files if path.suffix in (".py", ".toml"))
    return hex64(unicodedata.unidata_version, *map(version, JUDGING), *ours)


class Filter(Settings, ABC):
    """A filter that looks at one dialogue at a time."""

    edits: ClassVar[bool] = False
    """Whether `apply` may return a dialogue other than the one it got."""

    samples: ClassVar[int] = 0
    """How many of the kept dialogues `details` wants to see."""

    @abstractmethod
    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The same dialogue where it is kept as it is, an edited copy, or Drop."""

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """A verdict for each dialogue, in order."""
        for dialogue in dialogues:
            yield Verdict(self.apply(dialogue), idle=not self.concerns(dialogue))

    def concerns(self, dialogue: Dialogue) -> bool:
        """Whether the dialogue has what the filter looks at; one that reads a seed has to say."""
        return True

    def details(
        self,
        dropped: Iterable[tuple[str, Drop]],
        notes: Iterable[dict[str, JsonValue]],
        sample: Sequence[Dialogue],
    ) -> dict[str, JsonValue]:
        """What the report says of this filter beyond its counts.

        `dropped` pairs ids with drops; `sample` are `samples` of the kept dialogues, drawn by their ids.
        """
        return {}


class Measure(NamedTuple):
    """One number measured on a dialogue, and what shows it."""

    value: float
    evidence: dict[str, JsonValue]


class Limits(Filter):
    """A filter that measures numbers X, and drops a dialogue where X is above `most_X` or below `least_X`.

    The settings `most_X` and `least_X` are floats, or None, "off" in a TOML, which is no limit. The reason of a drop
    is X.
    """

    whole: ClassVar[frozenset[str]] = frozenset()
    """The X that are counted: their limits are whole numbers, from 0 on."""

    @field_validator("*", mode="before")
    @classmethod
    def _off(cls, value: object, info: ValidationInfo) -> object:
        return None if value == "off" and str(info.field_name).startswith(("most_", "least_")) else value

    @field_validator("*")
    @classmethod
    def _counted(cls, value: object, info: ValidationInfo) -> object:
        name = str(info.field_name)
        limited = name.removeprefix("most_") if name.startswith("most_") else name.removeprefix("least_")
        if limited in cls.whole and isinstance(value, float) and (value < 0 or value % 1):
            raise ValueError("expected a whole number, 0 or more: it is a limit of what is counted")
        return value

    @abstractmethod
    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The measured numbers by name; what does not apply to the dialogue is left out."""

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """Drop for the first measure beyond its limit, with value and limit as evidence."""
        return self._outcome(dialogue, self.measure(dialogue))

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts with their measures."""
        for dialogue in dialogues:
            measures = self.measure(dialogue)
            yield Verdict(self._outcome(dialogue, measures), {name: found.value for name, found in measures.items()})

    def limits(self, name: str) -> tuple[float | None, float | None]:
        """The least and the most that X may be."""
        settings = self.__dict__  # getattr goes through pydantic, at ten times the cost
        return settings.get(f"least_{name}"), settings.get(f"most_{name}")

    def _outcome(self, dialogue: Dialogue, measures: Mapping[str, Measure]) -> Dialogue | Drop:
        for name, (value, evidence) in measures.items():
            least, most = self.limits(name)
            if most is not None and value > most:
                return Drop(name, {"value": round(value, 4), "most": most, **evidence})
            if least is not None and value < least:
                return Drop(name, {"value": round(value, 4), "least": least, **evidence})
        return dialogue


class Shard(NamedTuple):
    """One block's documents as `CorpusFilter.prepare` left them."""

    folder: Path
    alive: NDArray[np.bool_]
    """(documents,): False where an earlier filter has dropped the document meanwhile."""
    earlier: bool
    """Earlier data: always kept, never compared with other earlier data."""


class Corpus(Protocol):
    """All documents of a corpus, numbered from 0 over the shards in order."""

    @property
    def shards(self) -> Sequence[Shard]:
        """The blocks in order; the order of blocks must not change a decision."""

    def ids(self, numbers: NDArray[np.int64]) -> list[str]:
        """The ids of these documents."""

    def texts(self, numbers: NDArray[np.int64]) -> list[str]:
        """The texts of these documents, as `prepare` got them; slow, for samples."""


class Copies(NamedTuple):
    """Which documents are copies, of what, and how alike."""

    dropped: NDArray[np.int64]
    """(copies,) document numbers, ascending, each at most once."""
    kept: NDArray[np.int64]
    """(copies,) the document kept instead."""
    similarity: NDArray[np.float32]
    """(copies,) Jaccard similarity of the two."""
    details: dict[str, JsonValue]
    """For the report."""
    lines: Iterable[bytes] = ()
    """Lines of the file named `lines_file`, such as pairs.jsonl."""


class CorpusFilter(Settings, ABC):
    """A filter that looks for copies in the whole corpus."""

    reason: ClassVar[str]
    """The reason of its drops."""
    lines_file: ClassVar[str | None] = None
    level: Literal["dialogue", "opener"] = "dialogue"
    """Compare whole dialogues (all contents but the system message), or openers (the first user message)."""
    prefer: str | None = None
    """Of copies, keep the one with the highest value in this field, such as `scores.quality`; else the smallest id."""

    @field_validator("prefer")
    @classmethod
    def _field(cls, prefer: str | None) -> str | None:
        if prefer is not None:
            check_path(prefer)
        return prefer

    @abstractmethod
    def prepared_by(self) -> str:
        """A hash of the settings that `prepare` depends on: equal ones can share prepared shards."""

    @abstractmethod
    def prepare(self, texts: Sequence[str], scores: Sequence[float | None], folder: Path) -> None:
        """Write what `decide` needs of these documents into the folder, which is there and empty."""

    @abstractmethod
    def decide(self, corpus: Corpus) -> Copies:
        """The copies among the living documents; the same whatever the order of shards."""
