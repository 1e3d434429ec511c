"""What an objective check is: a program that grades an answer, and needs no judge.

A check is one file of `evaluator/checks/`. It gives each answer one or several named grades from 0 to 1, each as a
list: IFEval grades every instruction of a prompt. An answer that does not do what was asked is wrong, not missing: here
nobody has failed but the model.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import ClassVar

from dialogue.errors import UsageError
from evaluator.records import Answer, Item
from evaluator.score import Protocol

HOME = Path(__file__).parent / "checks"
Grades = Mapping[str, Sequence[float]]


class Check(Protocol):
    """One check."""

    unit = "percent"
    scale: ClassVar[tuple[float, float]] = (0.0, 100.0)
    figures: ClassVar[tuple[str, ...]]
    """The names of its grades; the headline is one of them."""
    note: ClassVar[str | None] = None

    @abstractmethod
    def grades(self, item: Item, answer: Answer) -> Grades:
        """0 to 1 by name; a name that does not apply to this item is left out."""

    def fits(self, item: Item) -> str | None:
        """Why the item cannot be graded; None where it can."""
        return None


@cache
def check(name: str) -> Check:
    """The check of this name."""
    module = import_module(f"evaluator.checks.{name}")
    (found,) = (
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Check) and value.__module__ == module.__name__
    )
    return found(name)


def checks() -> list[str]:
    """The names of all checks."""
    return sorted(path.stem for path in HOME.glob("*.py") if path.stem != "__init__")


def fitting(of: Check, items: Sequence[Item], place: str) -> Sequence[Item]:
    """The items; UsageError where one of them cannot be graded."""
    for item in items:
        if (why := of.fits(item)) is not None:
            raise UsageError(f"--protocol {of.name}: {place}: item {item.id}: {why}")
    return items
