"""Which calls a judge protocol makes: who is shown beside whom, in which order, how often."""

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from dialogue.chance import hash64, rng
from evaluator.judges.dreamergpt import MOST
from evaluator.protocol import Judge, View
from evaluator.records import Answer, Item

Lookup = Callable[[str, Item], Answer | None]
"""The answer of a system to an item, where there is one."""


class Call(NamedTuple):
    """One question to the judge."""

    judge: Judge
    item: Item
    shown: tuple[str, ...]
    """Systems in the order in which their answers stand."""
    turn: int | None
    order: int
    sample: int
    repeat: int

    def view(self, lookup: Lookup) -> View | None:
        """What is shown; None where an answer is missing, or lacks the turn."""
        answers = []
        for system in self.shown:
            answer = lookup(system, self.item)
            if answer is None or len(answer.turns) < (self.turn or len(self.item.turns)):
                return None
            answers.append(answer)
        return View(self.item, tuple(answers), self.turn)


def calls(
    judge: Judge,
    items: Sequence[Item],
    systems: Sequence[str],
    *,
    baseline: str | None,
    seed: int,
    repeats: int = 1,
    samples: int | None = None,
) -> Iterator[Call]:
    """Every call, item by item. Pairs are each system with the baseline, or each with each where there is none."""
    for item in items:
        turns = range(1, len(item.turns) + 1) if judge.each_turn else [None]
        for turn in turns:
            for shown, order in _views(judge, item, systems, baseline, seed):
                for sample in range(samples or judge.samples):
                    for repeat in range(repeats):
                        yield Call(judge, item, shown, turn, order, sample, repeat)


def pairs(systems: Sequence[str], baseline: str | None) -> list[tuple[str, str]]:
    """Who is compared with whom."""
    if baseline is None:
        return list(combinations(systems, 2))
    return [(system, baseline) for system in systems if system != baseline]


def _views(
    judge: Judge, item: Item, systems: Sequence[str], baseline: str | None, seed: int
) -> Iterator[tuple[tuple[str, ...], int]]:
    """Systems as they are shown, and the number of the order."""
    if judge.shape == "single":
        yield from (((system,), 0) for system in systems)
    elif judge.shape == "sheet":
        yield from _sheets(item, systems, seed)
    else:
        for system, other in pairs(systems, baseline):
            orders = [(system, other), (other, system)]
            match judge.orders:
                case "both":
                    yield from ((shown, number) for number, shown in enumerate(orders))
                case "baseline_first":
                    yield orders[1], 1
                case _:  # drawn from the instruction, as AlpacaEval does: the same for all systems
                    number = hash64("order", *item.turns) & 1
                    yield orders[number], number


def _sheets(item: Item, systems: Sequence[str], seed: int) -> Iterator[tuple[tuple[str, ...], int]]:
    shuffled = sorted(systems)
    rng("sheet", seed, item.cluster).shuffle(shuffled)
    sheets = -(-len(shuffled) // MOST)
    for number in range(sheets):  # of nine systems two sheets of five and four, not of eight and one
        yield tuple(shuffled[number::sheets]), number
