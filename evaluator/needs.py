"""How much more of each sector a model needs, from the report of its evaluation: where it is weak, more.

A sector is spoken of where its name is a category, as it is where the benchmark holds dialogues of ours, or where its
dialogues were played. What counts is what the model lacks there, from 0 (all is as good as can be) to 1: the headline's
place on the scale of its protocol, whichever end of that is the good one. A sector where the model lacks twice what it
lacks on the whole of the benchmark needs twice as much:

    need = (items x lack / lack on the whole + DOUBT) / (items + DOUBT), within LEAST and MOST

DOUBT stands for so many more questions that came out like the whole: three bad answers do not turn a mixture over.
This file loads neither numpy nor an endpoint, so that a run can ask it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import BaseModel, ValidationError

from dialogue.chance import hex64
from dialogue.errors import UsageError
from dialogue.records import one_line

DOUBT = 20
"""Questions: a sector of so many moves half as far as its mean says."""
LEAST, MOST = 0.25, 4.0
MIDDLE = 0.5
"""What is taken for the whole where a report speaks of one sector alone: half of the scale, an even win rate."""


class Need(NamedTuple):
    """What a report says of one sector."""

    need: float
    """What its weight is multiplied by; 1 where the report does not speak of it."""
    items: int = 0
    """Different questions; none: the report does not speak of it."""
    lacks: float | None = None
    """What the model lacks there, 0 to 1, over all benchmarks and protocols."""
    level: float | None = None
    """What it lacks on the whole of these benchmarks."""


class _Figure(BaseModel):
    """What is read of a figure."""

    system: str
    against: str | None = None
    benchmark: str
    protocol: str
    judge: str | None = None
    category: str | None = None
    split: str = "all"
    value: float | None = None
    clusters: int = 0
    headline: bool = False


class _Section(BaseModel):
    """What is read of a section."""

    benchmark: str
    protocol: str
    judge: str | None = None
    unit: str
    lower_is_better: bool = False
    scale: tuple[float, float] | None = None


class Report:
    """A report.json of `gen evaluate`."""

    def __init__(self, file: Path, found: Mapping[str, Any]) -> None:
        """Raises UsageError for a file of another kind."""
        self.file = file
        try:
            figures = [_Figure.model_validate(one) for one in found["figures"]]
            sections = [_Section.model_validate(one) for one in found["sections"]]
            played = (found.get("settings") or {}).get("play")
            self._played = str(played["sector"]) if played else None
            self._sections = {_about(one): one for one in sections}
            self.figures = [one for one in figures if one.headline and one.split == "all" and one.value is not None]
            self._scales = {_about(one): self._scale(self._sections[_about(one)]) for one in self.figures}
        except ValidationError as error:
            raise UsageError(f"{file}: no report of `gen evaluate` ({one_line(error)})") from None
        except (KeyError, TypeError, AttributeError):
            raise UsageError(f"{file}: no report of `gen evaluate`") from None
        self.whole = not (found.get("stopped") or found.get("open"))
        """Whether all was asked that should be."""
        told = {name: found[name] for name in ("figures", "sections")}
        self.hash = hex64(orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode())
        """Of what it says; when it was written and what it cost does not matter."""

    def sector(self, figure: _Figure) -> str | None:
        """The sector that a figure speaks of: its category, or the one whose dialogues were played; None of a whole."""
        if self._played is None:
            return figure.category
        return self._played if figure.category is None else None  # other categories are kinds of opener

    def lacks(self, figure: _Figure) -> float:
        """What is missing from the best that its protocol knows, 0 to 1."""
        low, high = self._scales[_about(figure)]
        place = min(1.0, max(0.0, ((figure.value or 0.0) - low) / (high - low)))
        return place if self._sections[_about(figure)].lower_is_better else 1.0 - place

    def middle(self, figure: _Figure) -> float | None:
        """What stands for a whole that is not there; a figure whose less is better knows no middle."""
        return None if self._sections[_about(figure)].lower_is_better else MIDDLE

    def _scale(self, section: _Section) -> tuple[float, float]:
        low, high = section.scale or ((0.0, 100.0) if section.unit == "percent" else (0.0, 0.0))
        if high <= low:
            again = "give the same `gen evaluate` again, which asks for nothing anew"
            raise UsageError(f"{self.file}: does not tell the scale of {section.protocol}; {again}")
        return low, high


def read(path: Path) -> Report:
    """The report in a file, or in the folder of an evaluation. Raises UsageError."""
    file = path / "report.json" if path.is_dir() else path
    try:
        found: Any = orjson.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from None
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{file}: no JSON ({error})") from None
    return Report(file, found if isinstance(found, dict) else {})


def needs(report: Report, sectors: Iterable[str], system: str | None = None) -> tuple[str, dict[str, Need]]:
    """The system, and what each of the sectors needs of new dialogues.

    `system` may be left out where the report has figures of one only. Raises UsageError where it has several or
    others, and where it speaks of none of the sectors.
    """
    asked = list(sectors)
    name = _system(report, system)
    own = [one for one in report.figures if one.system == name]
    if not any(report.sector(one) in asked for one in own):
        there = sorted({found for one in own if (found := report.sector(one)) is not None})
        has = f"it has {', '.join(there)}" if there else "it has figures of no category"
        raise UsageError(f"{report.file}: says nothing of {', '.join(asked)}; {has}")
    return name, {sector: _need(report, own, sector) for sector in asked}


def _system(report: Report, system: str | None) -> str:
    there = list(dict.fromkeys(one.system for one in report.figures))
    if system is None and len(there) == 1:
        return there[0]
    if system is None:
        said = f"has several systems ({', '.join(there)}); name one" if there else "has no figure of any system"
        raise UsageError(f"{report.file}: {said}")
    if system not in there:
        near = get_close_matches(system, there, n=2)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(there)}"
        raise UsageError(f"{report.file}: no figure of the system {system}; {hint}")
    return system


class _Part(NamedTuple):
    """A sector on one benchmark, or by one protocol."""

    items: int
    ratio: float
    """What is lacking there to what is lacking on the whole."""
    lacks: float
    level: float


def _need(report: Report, own: Sequence[_Figure], sector: str) -> Need:
    """The mean over a benchmark's protocols, which ask the same questions; then of benchmarks, by their questions."""
    benchmarks: dict[str, list[_Part]] = defaultdict(list)
    for one in own:
        if report.sector(one) == sector and one.clusters and (level := _level(report, own, one)) is not None:
            lacks = report.lacks(one)
            benchmarks[one.benchmark].append(_Part(one.clusters, lacks / level if level else 1.0, lacks, level))
    if not benchmarks:
        return Need(1.0)
    whole = _joined([_joined(parts, alike=True) for parts in benchmarks.values()])
    need = (whole.items * whole.ratio + DOUBT) / (whole.items + DOUBT)
    return Need(min(MOST, max(LEAST, need)), whole.items, whole.lacks, whole.level)


def _joined(parts: Sequence[_Part], alike: bool = False) -> _Part:
    """The mean of the parts: of `alike` ones, of the same questions, each counts as much; else by their questions."""
    weights = [1 if alike else part.items for part in parts]
    items = max(part.items for part in parts) if alike else sum(weights)

    def mean(values: Iterable[float]) -> float:
        return sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)

    return _Part(
        items, *(mean(values) for values in zip(*((part.ratio, part.lacks, part.level) for part in parts), strict=True))
    )


def _level(report: Report, own: Sequence[_Figure], part: _Figure) -> float | None:
    """What the model lacks on the whole of a benchmark; the middle where that is this part and nothing else."""
    for one in own:
        whole = one.category is None and one.clusters > part.clusters
        if whole and _about(one) == _about(part) and one.against == part.against:
            return report.lacks(one)
    return report.middle(part)


def _about(one: _Figure | _Section) -> tuple[str, str, str | None]:
    return one.benchmark, one.protocol, one.judge
