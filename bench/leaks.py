"""Benchmarks, leaks of their items planted into real dialogues, and what looks like a leak and is none.

Of GSM8K and HumanEval only every second item is looked for, the one with an even number: the published rewrites are of
those. The others are in the same style, and planted they are the hard negatives.
"""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import chain, cycle
from pathlib import Path
from typing import NamedTuple

from bench.false_positives import Good, moss, mt_bench_101, rows, said, ultrachat
from dialogue.chance import rng
from dialogue.likeness import words
from dialogue.records import Dialogue
from filters.leaks.benchmark import Benchmark, Item, load
from filters.leaks.plants import KINDS, edited, vocabulary
from filters.leaks.self_test import Plant, items_to_plant, plant, text_of

FILES = (
    "gsm8k=gsm8k_test.jsonl",
    "humaneval=human_eval.jsonl",
    "arena_hard=arena_hard_v0.1.jsonl",
    "mt_bench=mt_bench.jsonl",
    "vicuna=vicuna_bench.jsonl",
    "alpaca_eval=alpaca_eval_prompts.jsonl",
    "wizardlm=wizardlm_testset.jsonl",
    "ifeval=ifeval_prompts.jsonl",
    "mbpp=mbpp_sanitized.json",
    "truthfulqa=truthfulqa.csv",
    "ultrachat=ultra_eval.json",
    "belle=belle/eval_set.json",
    "dreamergpt=dreamergpt",
)
HALVED = ("gsm8k", "humaneval")
LONG = ("gsm8k", "humaneval", "arena_hard")
"""Those whose items are as long as the ones that the thresholds were chosen by."""
PLANTS = 450
NUMBERS = 300
REWRITES = {
    "rewrites: GSM8K": ("gsm8k", ("rephrase_gsm8k_even",)),
    "rewrites: HumanEval": ("humaneval", ("humaneval_python_even",)),
    "ports to C and JS": ("humaneval", ("humaneval_c_even", "humaneval_js_even")),
}
_NAMES = (
    *("Alina", "Boris", "Chidi", "Dolores", "Emeka", "Farah", "Goran", "Hana"),
    *("Ignacio", "Jun", "Kofi", "Leila", "Matteo", "Noor", "Oksana", "Priya"),
)
_WRITTEN = re.compile(r"Question:\s*(.*?)\s*(?:Answer:.*)?", re.DOTALL)
_WORD = re.compile(r"[A-Za-z]+")


class Leaks(NamedTuple):
    """What is looked for, and what it is looked for in."""

    benchmarks: tuple[Benchmark, ...]
    planted: dict[str, list[Plant]]
    """By kind of leak."""
    alike: dict[str, list[Plant]]
    """By benchmark: items that are not looked for, as long and in the same style as those that are."""
    plain: dict[str, list[Dialogue]]
    """Dialogues as they are, by set."""


def leaks(folder: Path) -> Leaks:
    """All of it, from a folder that holds `benchmarks/`, `dialogues/`, `formats/` and `contamination/`."""
    whole = {name: _load(folder / "benchmarks", name, file) for name, _, file in (f.partition("=") for f in FILES)}
    asked = tuple(_half(one, 0) if one.name in HALVED else one for one in whole.values())
    plain = {
        "UltraChat": _dialogues(ultrachat(folder)),
        "MT-Bench-101": _dialogues(mt_bench_101(folder)),
        "ShareGPT, MOSS": _dialogues(chain(sharegpt(folder), moss(folder))),
    }
    hosts = plain["UltraChat"] + plain["MT-Bench-101"]
    alike = {
        name: _into(hosts, name, [(item, [text_of(item)]) for item in _half(whole[name], 1).items]) for name in HALVED
    }
    return Leaks(asked, _planted(folder, asked, hosts), alike, plain)


def sharegpt(folder: Path) -> Iterator[Good]:
    """Both ShareGPT files, what people and models said in them."""
    for name in ("sharegpt_fastchat_500.json", "sharegpt_tools_300.json"):
        for row in rows(folder / "formats" / name):
            texts = [turn["value"] for turn in row["conversations"] if turn["from"] in ("human", "gpt")]
            yield Good("SG", "en", said(*texts))


def other_numbers(texts: Sequence[str]) -> list[str]:
    """The texts with other numbers of as many digits, and other names: capitalised words never written small."""
    small = {word for text in texts for word in _WORD.findall(text) if word.islower()}
    return [_other_numbers(text, small) for text in texts]


def _other_numbers(text: str, small: set[str]) -> str:
    chance = rng("numbers", text)
    names = {word for word in _WORD.findall(text) if word[0].isupper() and len(word) > 2 and word.lower() not in small}
    renamed = dict(zip(sorted(names), cycle(chance.sample(_NAMES, len(_NAMES))), strict=False))
    text = _WORD.sub(lambda word: renamed.get(word[0], word[0]), text)
    return re.sub(r"\d+", lambda number: _other_number(number[0], chance), text)


def _other_number(number: str, chance: random.Random) -> str:
    least = 10 ** (len(number) - 1)
    return str(chance.choice([other for other in range(least, min(10 * least, least + 200)) if str(other) != number]))


def _planted(folder: Path, asked: Sequence[Benchmark], hosts: Sequence[Dialogue]) -> dict[str, list[Plant]]:
    items = items_to_plant(asked, PLANTS)
    spoken = vocabulary(message.content for host in hosts for message in host.messages)
    leaked: dict[str, list[tuple[Item, list[str]]]] = {}
    for name, kind in KINDS.items():
        texts = [(item, text_of(item)) for item in items]
        leaked[name] = [(i, [kind(text, rng(name, i.benchmark, i.id), spoken.of(text))]) for i, text in texts]
        if name == "verbatim":
            leaked["with answer"] = [(i, [text_of(i), "\n".join(i.answer)]) for i in items if i.answer]
    by_name = {one.name: one for one in asked}
    problems = items_to_plant([by_name["gsm8k"]], NUMBERS)
    changed = other_numbers([text_of(item) for item in problems])
    leaked["other numbers"] = [(item, [text]) for item, text in zip(problems, changed, strict=True)]
    for name, (benchmark, files) in REWRITES.items():
        leaked[name] = [pair for file in files for pair in _rewritten(folder, by_name[benchmark], file)]
    return {name: _into(hosts, name, pairs) for name, pairs in leaked.items()}


def _rewritten(folder: Path, benchmark: Benchmark, name: str) -> Iterator[tuple[Item, list[str]]]:
    """Row r is a rewrite of item 2 r, which is the r-th of those that are looked for."""
    for item, row in zip(benchmark.items, rows(folder / "contamination" / f"{name}.jsonl"), strict=True):
        found = _WRITTEN.fullmatch(row["text"].strip())
        yield item, [found[1] if found else row["text"]]


def _into(hosts: Sequence[Dialogue], kind: str, pairs: Sequence[tuple[Item, list[str]]]) -> list[Plant]:
    order = rng("hosts", kind).sample(range(len(hosts)), len(hosts))
    return [
        Plant(*plant(hosts[order[place % len(order)]], texts, rng(kind, item.benchmark, item.id)), item)
        for place, (item, texts) in enumerate(pairs)
        if any(map(words, texts))
    ]


def _load(folder: Path, name: str, file: str) -> Benchmark:
    return load(f"{name}={folder / file}")


def _half(benchmark: Benchmark, first: int) -> Benchmark:
    """Every second item, from the first or the second on."""
    return Benchmark(benchmark.name, benchmark.path, benchmark.items[first::2], benchmark.digest)


def _dialogues(found: Iterator[Good]) -> list[Dialogue]:
    return [Dialogue(id=f"{one.set}-{place}", messages=one.messages) for place, one in enumerate(found) if one.messages]


def of_size(found: Leaks, count: int, size: int = 1750) -> list[Dialogue]:
    """So many dialogues of UltraChat's turns, of at least so many bytes, with every tenth word another's.

    No two are alike, so that what is measured on them is no cache.
    """
    chance = random.Random(7)
    real = [[message.content for message in one.messages] for one in found.plain["UltraChat"]]
    spoken = vocabulary(chain.from_iterable(real)).spaced
    made = []
    for number in range(count):
        texts: list[str] = []
        while sum(len(text.encode()) for text in texts) < size:
            texts += [edited(0.1, text, chance, spoken) for text in chance.choice(real)]
        made.append(Dialogue(id=str(number), messages=said(*texts)))
    return made


def only(plants: Sequence[Plant], benchmarks: Sequence[str]) -> list[Plant]:
    """The plants of these benchmarks' items."""
    return [one for one in plants if one.item.benchmark in benchmarks]
