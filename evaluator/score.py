"""What every protocol has, judged or checked: what is asked of the systems, and the figure that they are ranked by."""

from abc import ABC
from typing import ClassVar

from dialogue.chance import hex64
from evaluator.records import Item
from generator.client.chat import Sampling


class Protocol(ABC):
    """One way to score answers."""

    headline: ClassVar[str]
    """The name of the figure that systems are ranked by."""
    unit: ClassVar[str]
    scale: ClassVar[tuple[float, float]] = (0.0, 1.0)
    """The least and the greatest value of the headline, in its unit."""
    lower_is_better: ClassVar[bool] = False

    @property
    def factor(self) -> float:
        """From a point, where shares run from 0 to 1, to the headline's unit."""
        return 100.0 if self.unit == "percent" else 1.0

    def __init__(self, name: str) -> None:
        self.name = name

    def ask(self, item: Item) -> tuple[str, ...]:
        """What the user says, turn by turn."""
        if item.passage is None or not item.turns:
            return item.turns
        return (f"{item.passage}\n\n{item.turns[0]}", *item.turns[1:])

    def answer_sampling(self, item: Item) -> Sampling | None:
        """How answers to the item are drawn where the protocol says so."""
        return None

    def asked(self, item: Item) -> str:
        """A name for this very asking: protocols that ask the same share the answers."""
        sampling = self.answer_sampling(item)
        return hex64(*self.ask(item), sampling.model_dump_json() if sampling else "")
