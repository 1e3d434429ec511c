"""Odd inputs through `gen filter`: nothing in, nothing but copies, one dialogue of 50 MB, a million short refusals.

    python -m bench.odd_inputs [--copies 100000] [--short 1000000] [--mb 50] [--only 0,1,2] [--chains default]

Each goes through the default chain, a long one also through it without its limits of length, and through the near
duplicates alone, from file to file in one process. What is read must be kept or dropped, and as many kept as `INPUTS`
says.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import orjson

from bench.child import GEN, run

DEFAULT, ANY_LENGTH, NEAR = "default", "any length", "near duplicates"
REFUSAL = "I'm sorry, but I cannot help with that."
ANSWER = "Fold the paper in half along its long side, then bring both upper corners down to the middle crease."
SENTENCE = "The committee will meet again on Thursday to discuss the budget. "
TOPICS = ("the lock of a door", "a letter to my landlord", "the dose for a cat", "an engine that stalls", "a tax form")


class Sizes(NamedTuple):
    """How odd."""

    copies: int
    short: int
    mb: int


class Odd(NamedTuple):
    """An input, and how many of its dialogues each chain keeps."""

    lines: Callable[[Sizes], Iterator[bytes]]
    kept: Callable[[Sizes], Mapping[str, int]]


def row(number: int, user: str, assistant: str) -> bytes:
    """A dialogue of one turn as a line."""
    said = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return orjson.dumps({"id": f"o{number:09}", "messages": said}, option=orjson.OPT_APPEND_NEWLINE)


def copies(sizes: Sizes) -> Iterator[bytes]:
    """One dialogue, again and again."""
    return (row(number, "How do I fold a paper plane that flies far?", ANSWER) for number in range(sizes.copies))


def one_sentence(sizes: Sizes) -> Iterator[bytes]:
    """One dialogue whose answer says one sentence again and again."""
    yield row(0, "Write as much as you can.", SENTENCE * (sizes.mb * 1_000_000 // len(SENTENCE)))


def one_word(sizes: Sizes) -> Iterator[bytes]:
    """One dialogue whose answer is a single word."""
    yield row(0, "Write as much as you can.", "ab" * (sizes.mb * 500_000))


def one_list(sizes: Sizes) -> Iterator[bytes]:
    """One dialogue whose answer says something else in each of its sentences, of 50 characters about."""
    said = (
        f"Item {number} costs {number * 7919 % 100_003} and weighs {number * 104_729 % 9973} grams."
        for number in range(sizes.mb * 25_000)
    )
    yield row(0, "List all items with their prices and weights.", " ".join(said))


def refusals(sizes: Sizes) -> Iterator[bytes]:
    """One refusal, each time of something else."""
    return (
        row(number, f"Tell me about {TOPICS[number % 5]}, case {number}.", REFUSAL) for number in range(sizes.short)
    )


def same_refusals(sizes: Sizes) -> Iterator[bytes]:
    """One refusal, each time of the same."""
    return (row(number, "Tell me how to open the lock of a door.", REFUSAL) for number in range(sizes.short))


INPUTS = {
    "empty": Odd(lambda sizes: iter(()), lambda sizes: {DEFAULT: 0, NEAR: 0}),
    "copies of one dialogue": Odd(copies, lambda sizes: {DEFAULT: 1, NEAR: 1}),
    "one sentence, on and on": Odd(one_sentence, lambda sizes: {DEFAULT: 0, ANY_LENGTH: 0, NEAR: 1}),
    "one word, on and on": Odd(one_word, lambda sizes: {DEFAULT: 0, ANY_LENGTH: 1, NEAR: 1}),
    "one long list": Odd(one_list, lambda sizes: {DEFAULT: 0, ANY_LENGTH: 1, NEAR: 1}),
    "one refusal of many things": Odd(refusals, lambda sizes: {DEFAULT: 0, NEAR: sizes.short}),
    "one refusal of one thing": Odd(same_refusals, lambda sizes: {DEFAULT: 0, NEAR: 1}),
}


def flags(chain: str, at: Path) -> list[str]:
    """The command's flags for a chain."""
    if chain != NEAR:
        return ["--without", "length"] if chain == ANY_LENGTH else []
    (at / "near.toml").write_text('[[filters]]\nuse = "near_duplicates"\n')
    return ["--config", str(at / "near.toml")]


def measured(name: str, source: Path, chain: str, expected: int) -> bool:
    """Print the line of an input and a chain; whether the result is right."""
    out = source.with_suffix(f".{chain.split()[0]}")
    command = [*GEN, "filter", str(source), "--out", str(out), "--workers", "1", *flags(chain, source.parent)]
    cost = run(command)
    report = orjson.loads((out / "report.json").read_bytes())
    read, kept, dropped = (report[part] for part in ("read", "kept", "dropped"))
    reasons = {reason: count for step in report["filters"] for reason, count in step["reasons"].items()}
    right = bool(kept + dropped == read and kept == expected)
    shown = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
    result = shown if right else f"{shown} WRONG, expected {expected}"
    size, took = f"{source.stat().st_size / 1e6:,.0f}", (f"{cost.cpu_s:,.1f}", f"{cost.peak_mb:,.0f}")
    cells = (name, size, chain, f"{read:,}", f"{kept:,}", result, *took)
    print(f"| {' | '.join(cells)} |", flush=True)
    return right


def main() -> int:
    """Print the table; status 1 where a result is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--copies", type=int, default=100_000)
    parser.add_argument("--short", type=int, default=1_000_000)
    parser.add_argument("--mb", type=int, default=50)
    parser.add_argument("--only", default=",".join(map(str, range(len(INPUTS)))), help="numbers of inputs, from 0")
    parser.add_argument("--chains", default=",".join((DEFAULT, ANY_LENGTH, NEAR)))
    given = parser.parse_args()
    sizes, right = Sizes(given.copies, given.short, given.mb), True
    print("| input | MB | chain | read | kept | dropped, for | CPU s | peak MB |\n|" + "---|" * 8)
    with tempfile.TemporaryDirectory() as at:
        for number in map(int, given.only.split(",")):
            name, source = list(INPUTS)[number], Path(at, f"{number}.jsonl")
            with source.open("wb") as file:
                file.writelines(INPUTS[name].lines(sizes))
            for chain, expected in INPUTS[name].kept(sizes).items():
                if chain in given.chains.split(","):
                    right &= measured(name, source, chain, expected)
            source.unlink()
    return int(not right)


if __name__ == "__main__":
    raise SystemExit(main())
