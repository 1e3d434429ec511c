"""What a measure is: a figure of a model's own probabilities, for models on this machine.

A measure is one file of `evaluator/measures/`. Of each item it gives pairs (top, bottom) by name; a figure is the sum
of the tops over that of the bottoms, so that long and short items weigh what they weigh.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import ClassVar, NamedTuple, Protocol

from dialogue.errors import UsageError
from evaluator import score
from evaluator.records import Item

HOME = Path(__file__).parent / "measures"
Parts = Mapping[str, tuple[float, float]]


class Scorer(Protocol):
    """A model that says how likely a text is."""

    def continuation(self, messages: Sequence[Mapping[str, str]], text: str) -> tuple[float, int]:
        """The log-probability (natural) of the text as the next answer, and its tokens."""
        ...


class Shown(NamedTuple):
    """How a figure is shown."""

    unit: str
    transform: Callable[[float], float] | None = None
    """Of the value and both ends of its interval; None: as it is."""
    factor: float = 1.0
    of: str | None = None
    """The name of the pairs it is made of; None: its own."""


class Measure(score.Protocol):
    """One measure."""

    figures: ClassVar[Mapping[str, Shown]]
    """By name; the headline is one of them."""

    @abstractmethod
    def parts(self, item: Item, scorer: Scorer) -> Parts:
        """Top and bottom by name."""

    def fits(self, item: Item) -> str | None:
        """Why the item cannot be measured; None where it can."""
        return None


@cache
def measure(name: str) -> Measure:
    """The measure of this name."""
    module = import_module(f"evaluator.measures.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Measure) and value.__module__ == module.__name__
    )
    return found(name)


def measures() -> list[str]:
    """The names of all measures."""
    return sorted(path.stem for path in HOME.glob("*.py") if path.stem != "__init__")


def fitting(of: Measure, items: Sequence[Item], place: str) -> Sequence[Item]:
    """The items; UsageError where one of them cannot be measured."""
    for item in items:
        if (why := of.fits(item)) is not None:
            raise UsageError(f"--protocol {of.name}: {place}: item {item.id}: {why}")
    return items
