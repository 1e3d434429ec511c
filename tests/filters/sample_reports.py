# ruff: noqa: E501
"""Reports as `gen filter` and `gen contamination` write them, made up: what the pages are tried on."""

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

Json = dict[str, Any]

TIDES = (
    "The moon pulls at the sea, and the sea on the near side rises a little. On the far side it rises as well, "
    "because the earth itself is pulled away from under it. As the earth turns, each coast passes both bulges, "
    "which is why most places have two high tides a day, about twelve hours and twenty-five minutes apart."
)
BREAD = (
    "A sourdough starter is flour and water in which wild yeast and bacteria have settled. Feed it once a day with "
    "equal weights of both, keep it at about 24 degrees, and after a week it should double within six hours."
)
JANET = (
    "Janet’s ducks lay 16 eggs per day. She eats three for breakfast every morning and bakes muffins for her friends "
    "every day with four. She sells the remainder at the farmers' market daily for $2 per fresh duck egg. How much in "
    "dollars does she make every day at the farmers' market?"
)


def messages(*contents: str) -> list[Json]:
    return [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(contents)]


def drawn(draw: Callable[[], float], n: int) -> list[list[float]]:
    return [list(pair) for pair in sorted(Counter(draw() for _ in range(n)).items())]


def two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def filter_report() -> Json:
    """A chain of eight filters over 100,000 dialogues."""
    chance = random.Random(7)
    shares = drawn(lambda: round(max(0.0, chance.betavariate(0.4, 9) - 0.02), 2), 20_000)
    lengths = drawn(lambda: two_digits(chance.lognormvariate(6.6, 1.1)), 20_000)
    turns = drawn(lambda: chance.choice([2, 4, 4, 6, 6, 6, 8, 8, 10, 12, 14, 22]), 20_000)
    chain = [
        row("turns", 100_000, {"order": 210, "empty": 31}, {"most_messages": 20, "least_messages": 2}),
        row("role_exchange", 99_759, {"assistant_asks": 402}, {"most_phrases": 0}),
        row("exact_duplicates", 99_357, {"exact_duplicate": 1_018}, {"level": "dialogue", "ignore": "nothing"}),
        row("near_duplicates", 98_339, {"near_duplicate": 6_120}, {"threshold": 0.7, "level": "dialogue"}),
        row("repetition", 92_219, {"duplicate_lines": 318, "top_2_gram": 44}, {"most_duplicate_lines": 0.3}),
        row("length", 91_857, {"characters": 122, "words": 9}, {"most_characters": 20_000.0, "least_words": 3}),
        row("secrets", 91_726, {}, {"action": "mask", "kinds": ["e-mail", "phone", "iban", "card", "key"]}, edited=318),
        row("contamination", 91_726, {"contamination": 57}, {"benchmarks": ["gsm8k.jsonl", "human_eval.jsonl"]}),
    ]
    chain[0]["measures"] = {"messages": {"values": turns, "most": 20.0, "least": 2.0, "at": steps(20, 2, 241)}}
    chain[2]["details"] = {"level": "dialogue", "documents": 99_357, "clusters": [[2, 400], [3, 120], [9, 7], [312, 1]]}
    chain[3]["details"] = near_details()
    chain[4]["measures"] = {
        "duplicate_lines": {"values": shares, "most": 0.3, "least": None, "at": steps(0.3, 0.03, 318)},
        "top_2_gram": {"values": shares[:14], "most": 0.2, "least": None, "at": steps(0.2, 0.02, 44)},
    }
    chain[5]["measures"] = {
        "characters": {"values": lengths, "most": 20_000.0, "least": None, "at": steps(20_000, 2_000, 122)}
    }
    chain[7]["details"] = leaks()
    add_examples(chain)
    dropped = sum(one["dropped"] for one in chain)
    return {
        "read": 100_000, "kept": 100_000 - dropped, "dropped": dropped, "refused": 0, "edited": 318,
        "filters": chain,
        "settings": {"preset": "default", "filters": [{"use": one["use"], **one["settings"]} for one in chain]},
        "inputs": [{"path": "runs/world/dialogues.jsonl", "bytes": 259_400_000, "rows": 100_000, "digest": "6f" * 16}],
        "against": ["runs/last-week/kept.jsonl"], "versions": {"duologue": "0.1.0"}, "notes": "notes.jsonl",
    }  # fmt: skip


def row(name: str, read: int, reasons: dict[str, int], settings: Json, edited: int = 0) -> Json:
    return {
        "name": name, "use": name, "read": read, "dropped": sum(reasons.values()), "edited": edited, "noted": 0,
        "reasons": reasons, "settings": settings, "measures": {}, "details": {}, "examples": [],
    }  # fmt: skip


def steps(own: float, step: float, dropped: int) -> list[list[float]]:
    """Drops at eleven thresholds around the one that is set."""
    return [[round(own + place * step, 4), int(dropped * 1.35**-place)] for place in range(-5, 6)]


def near_details() -> Json:
    chance = random.Random(3)
    jaccard = drawn(lambda: min(1.0, int((0.7 + chance.betavariate(0.9, 1.4) * 0.31) * 100) / 100), 7_300)
    levels = [[level / 100, 20, 19 if level < 80 else 20] for level in range(70, 100, 5)]
    return {
        "threshold": 0.7, "level": "dialogue", "ngram": 5, "perms": 128, "bands": 25, "rows": 5, "documents": 98_339,
        "pairs": 7_300, "jaccard": jaccard, "clusters": [[2, 3_100], [3, 511], [4, 90], [5, 21], [8, 4], [40, 1]],
        "at": [[0.7, 6_120], [0.75, 4_811], [0.8, 3_302], [0.85, 2_020], [0.9, 1_102], [0.95, 461], [1.0, 77]],
        "recall": {"predicted": 0.9981, "planted": 200, "found": 199, "with_original": 199, "levels": levels},
        "capped_buckets": 2, "pairs_file": "pairs.jsonl",
    }  # fmt: skip


def add_examples(chain: list[Json]) -> None:
    asked, answered = "How do tides work, and who found out?", "Thanks! And in rivers?"
    loop = "- Feed it every day.\n- Keep it warm.\n" * 6
    chain[0]["examples"] = [
        {"id": "wq-10aa", "reason": "empty", "evidence": {"message": 1, "text": "", "role": "assistant"},
         "messages": messages(asked, "")},
    ]  # fmt: skip
    chain[1]["examples"] = [
        {"id": "wq-77b1", "reason": "assistant_asks",
         "evidence": {"message": 1, "text": "what would you like me to ask you", "phrase": "like me to ask you"},
         "messages": messages(asked, "Sure. So, what would you like me to ask you about tides?", "About the moon.")},
    ]  # fmt: skip
    chain[3]["examples"] = [
        {"id": "wq-0f3a91c25d7e8b16", "reason": "near_duplicate",
         "evidence": {"kept": "wq-02bb41c25d7e8b99", "jaccard": 0.7821},
         "messages": messages(asked, TIDES, answered, BREAD),
         "beside": {"id": "wq-02bb41c25d7e8b99",
                    "messages": messages(asked, TIDES.replace("a little", "by half a metre"), answered,
                                         BREAD.replace("once a day", "every evening"))}},
        {"id": "wq-aa01", "reason": "near_duplicate", "evidence": {"kept": "wq-aa00", "jaccard": 0.9312},
         "messages": messages("潮汐是怎么形成的？", "月球的引力使海水上升，因此每天有两次涨潮。"),
         "beside": {"id": "wq-aa00", "messages": messages("潮汐是怎样形成的？", "月亮的引力使海水上升，因此每天有两次涨潮。")}},
    ]  # fmt: skip
    chain[4]["examples"] = [
        {"id": "wq-51d0", "reason": "duplicate_lines",
         "evidence": {"value": 0.8333, "most": 0.3, "message": 1, "text": loop[:200], "again": "- Keep it warm."},
         "messages": messages("How do I keep a sourdough starter?", f"{BREAD}\n{loop}")},
    ]  # fmt: skip
    chain[6]["examples"] = [
        {"id": "wq-9e2e", "reason": "e-mail", "evidence": {"kind": "e-mail"},
         "messages": messages("Write to ann@example.org please.", "I cannot send letters.")},
    ]  # fmt: skip
    chain[7]["examples"] = [
        {"id": one["id"], "reason": "contamination", "messages": [],
         "evidence": {key: value for key, value in one.items() if key != "id"}}
        for one in hits()[:2]
    ]  # fmt: skip


RULES = ("certain", "certain or candidate", "gpt3-13-gram", "5-gram-50", "whole-item", "openr1-8-gram", "idf-50")
KINDS = {
    "verbatim": (1.0, "word for word"), "case_and_punctuation": (0.995, "in other case and punctuation"),
    "edited_10": (0.95, "with a tenth of the words changed"), "truncated": (0.84, "cut after the first half"),
    "edited_25": (0.41, "with a quarter of the words changed"), "rephrased": (0.06, "rewritten by a model"),
}  # fmt: skip


def leaks() -> Json:
    table = [
        {"name": "gsm8k", "items": 1_319, "items_hit": 41, "dialogues_hit": 57, "certain": 44, "candidate": 21,
         "longest_span": 62, "coverage": 1.0, "clean_items": 1_278},
        {"name": "human_eval", "items": 164, "items_hit": 3, "dialogues_hit": 3, "certain": 0, "candidate": 3,
         "longest_span": 11, "coverage": 0.38, "clean_items": 161},
        {"name": "truthfulqa", "items": 817, "items_hit": 0, "dialogues_hit": 0, "certain": 0, "candidate": 0,
         "longest_span": None, "coverage": None, "clean_items": [f"q{n}" for n in range(817)]},
    ]  # fmt: skip
    inside = {"benchmark": "vicuna", "inside": "alpaca_eval", "items": 80, "of": 80, "examples": [["3", "412"]]}
    return {"benchmarks": table, "overlap": [inside], "self_test": self_test()}


def self_test() -> Json:
    kinds = []
    for kind, (share, said) in KINDS.items():
        either = round(200 * min(1.0, share + (1 - share) * 0.6))
        removed = round(200 * share)
        line = (
            f"of 200 leaks {said}, {removed} were removed, {either - removed} more would be shown to a judge, "
            f"{200 - either} missed"
        )
        found = [removed, either, *(round(200 * share**power) for power in (2.0, 1.1, 6.0, 0.9, 0.5))]
        kinds.append({"kind": kind, "planted": 200, "line": line, "found": rows(found)})
    unplanted = {"hosts": 200, "found": rows([1, 16, 0, 1, 0, 1, 15])}
    return {
        "hosts": 200, "items": 200, "benchmarks": {"gsm8k": 100, "human_eval": 100}, "seed": 0,
        "kinds": kinds, "unplanted": unplanted,
    }  # fmt: skip


def rows(found: list[int]) -> list[Json]:
    made = []
    for name, n in zip(RULES, found, strict=True):
        share = n / 200
        low, high = max(0.0, share - 0.06 * (1.05 - share)), min(1.0, share + 0.06 * (0.1 + 1 - share))
        made.append({"by": name, "found": n, "misnamed": 0, "share": share, "low": low, "high": high})
    return made


def hits() -> list[Json]:
    """Two of GSM8K, one certain and one candidate with a verdict, and one of HumanEval."""
    sure = f"Here is one for you.\n{JANET} Show the steps."
    at = sure.index("Janet")
    like = (
        "Say Janet has ducks that lay 16 eggs a day, and she eats three of them; how many can she sell at the market?"
    )
    code = "def f(numbers, threshold): check if in given list of numbers, are any two numbers closer to each other"
    shared = {"benchmark": "gsm8k", "item": "test-0", "part": "question", "item_text": JANET}
    return [
        {"id": "wq-1c9d", **shared, "tier": "certain", "rule": "gpt3-13-gram", "rules": ["gpt3-13-gram", "5-gram-50"],
         "message": 2, "span": [at, at + len(JANET)], "span_words": 53, "coverage": 1.0, "containment": 1.0,
         "text": sure, "text_span": [at, at + len(JANET)], "verdict": None},
        {"id": "wq-44e0", **shared, "tier": "candidate", "rule": "idf-50", "rules": ["idf-50"], "message": 0,
         "span": [20, 38], "span_words": 4, "coverage": 0.12, "containment": 0.61, "text": like,
         "text_span": [like.index("lay 16"), like.index("lay 16") + 11], "verdict": "leak",
         "verdict_reason": "The same ducks, the same numbers, the same question."},
        {"id": "wq-5b21", "benchmark": "human_eval", "item": "HumanEval/0", "part": "question", "tier": "candidate",
         "rule": "openr1-8-gram", "rules": ["openr1-8-gram"], "message": 0, "span": [27, 101], "span_words": 14,
         "coverage": 0.38, "containment": 0.52, "text": code, "text_span": [27, len(code)], "verdict": "not_leak",
         "item_text": "def has_close_elements(numbers, threshold): Check if in given list of numbers, are any two numbers "
                      "closer to each other than given threshold."},
    ]  # fmt: skip


def contamination_report() -> Json:
    spent = {"requests": 24, "prompt_tokens": 18_200, "cost_usd": 0.0311}
    asked = {"model": "some-model", "endpoint": "main", "questions": 24, "leak": 9, "not_leak": 14, "unreadable": 1}
    return {
        "read": 100_000, "refused": 2, **leaks(), "hits": hits(), "hits_total": 68,
        "judge": {**asked, "per_item": 5, "stopped": None, "spent": spent}, "rephrase": None,
        "settings": {"certain": ["gpt3-13-gram", "5-gram-50"], "plants": 200, "seed": 0},
        "inputs": [{"path": "runs/world/dialogues.jsonl", "bytes": 259_400_000, "rows": 100_000, "digest": "6f" * 16}],
        "versions": {"duologue": "0.1.0", "python": None},
    }  # fmt: skip
