"""Plan against outcome: what was drawn for the users of a run, beside the tables it was drawn from and what was said.

    python -m bench.outcome [RUN] [--n 2000]

Without a folder it makes one of --n dialogues on the embedded endpoint. Total variation (half the sum of differences
of shares) of acts is told to the table of users/acts.toml by turn, and to the same with the multipliers of each
person's traits; that of persona dimensions to users/traits.toml, couplings applied. What remains is chance and the hard
rules (a held fact must come out, no act thrice). Then follow the measures of figures.py.
"""

import argparse
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import orjson

from bench import made
from bench.child import ROOT, gen_run, run, shown
from bench.figures import table
from bench.seen import seen, words

LAST_TURN = 6
"""Turns from here on share their multipliers."""
TRAITS = "users/traits.toml"
KEPT_SHARE = 0.5
"""Of a fact's longer words, those that a message must hold to count as telling it."""

Shares = Mapping[str, float]
Row = tuple[str, object, str]


@cache
def data(name: str) -> dict[str, Any]:
    """One of the prompts' data files."""
    return tomllib.loads((ROOT / "prompts" / name).read_text(encoding="utf-8"))


def normal(weights: Shares) -> dict[str, float]:
    """The weights as shares of one."""
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def average(many: Iterable[Shares]) -> dict[str, float]:
    """The mean of distributions."""
    total: defaultdict[str, float] = defaultdict(float)
    for shares in many:
        for name, share in shares.items():
            total[name] += share
    return normal(total)


def variation(expected: Shares, observed: Iterable[str]) -> float:
    """Total variation between shares and a sample."""
    counts = Counter(observed)
    total = sum(counts.values())
    return sum(abs(expected.get(name, 0.0) - counts[name] / total) for name in {*expected, *counts}) / 2


def act_weights(acts: Mapping[str, Any], column: str, turn: int, traits: Mapping[str, str] | None) -> dict[str, float]:
    """The shares of acts at a turn of the user, as the table has them, and by the person's traits where given."""
    place = min(turn, LAST_TURN) - 2
    weights = {act: share * acts["turns"].get(act, [1.0] * 9)[place] for act, share in acts["shares"][column].items()}
    for dimension, values in acts["persona"].items():
        for act, times in values.get((traits or {}).get(dimension), {}).items():
            weights[act] *= times
    return normal(weights)


def act_rows(dialogues: Sequence[dict[str, Any]], column: str) -> list[Row]:
    """Acts, over all and by turn."""
    acts, drawn = data("users/acts.toml"), defaultdict(list)
    for dialogue in dialogues:
        extra = dialogue["seed"]["extra"]
        for plan in extra["acts"]:
            drawn[min(plan["number"], LAST_TURN)].append((plan["act"], extra["persona"]["traits"]))
    table_of = {turn: act_weights(acts, column, turn, None) for turn in drawn}
    by_person = {turn: average(act_weights(acts, column, turn, traits) for _, traits in drawn[turn]) for turn in drawn}

    def over_all(by_turn: Mapping[int, Shares]) -> float:
        expected = average(by_turn[turn] for turn in drawn for _ in drawn[turn])
        return variation(expected, (act for turn in drawn for act, _ in drawn[turn]))

    rows: list[Row] = [("acts: to the table", f"{over_all(table_of):.3f}", "<= 0.10")]
    rows.append(("acts: with the traits' multipliers", f"{over_all(by_person):.3f}", "<= 0.10"))
    for turn in sorted(drawn):
        said = [act for act, _ in drawn[turn]]
        both = f"{variation(table_of[turn], said):.3f}, {variation(by_person[turn], said):.3f}"
        more = " and later" if turn == LAST_TURN else ""
        rows.append((f"acts at turn {turn}{more} (n = {len(said):,}), both ways", both, ""))
    return rows


def rounds_row(dialogues: Sequence[dict[str, Any]], preset: str, span: tuple[int, int]) -> Row:
    """Rounds as they were, to the preset within the span asked for."""
    spread: dict[str, float] = {}
    for key, weight in data("users/rounds.toml")[preset].items():
        first, _, last = key.partition("-")
        numbers = range(int(first), int(last or first) + 1)
        spread |= {str(number): weight / len(numbers) for number in numbers if span[0] <= number <= span[1]}
    had = (str(sum(m["role"] == "user" for m in dialogue["messages"])) for dialogue in dialogues)
    return "rounds, as they were", f"{variation(normal(spread), had):.3f}", "<= 0.08"


def trait_weights(traits: Mapping[str, str], column: str, weights: Mapping[str, Shares]) -> dict[str, dict[str, float]]:
    """The shares of each dimension for a person whose other traits are known: weights, couplings applied."""
    own = {dimension: dict(values) for dimension, values in weights.items()}
    known = {**traits, "column": column}
    for coupling in data(TRAITS)["couplings"]:
        if all(known[dimension] in values for dimension, values in coupling["when"].items()):
            for name, times in coupling.get("times", {}).items():
                own[name] = {value: weight * times.get(value, 1.0) for value, weight in own[name].items()}
            for name, kept in coupling.get("only", {}).items():
                own[name] = {value: weight * (value in kept) for value, weight in own[name].items()}
    return {dimension: normal(values) for dimension, values in own.items()}


def persona_rows(dialogues: Sequence[dict[str, Any]], column: str) -> list[Row]:
    """The dimensions that stray furthest, and the mean of all."""
    weights = data(TRAITS)["weights"] | data("languages/en/words.toml").get("weights", {})
    people = [dialogue["seed"]["extra"]["persona"]["traits"] for dialogue in dialogues]
    expected = [trait_weights(traits, column, weights) for traits in people]
    strays = {
        dimension: variation(average(one[dimension] for one in expected), (traits[dimension] for traits in people))
        for dimension in weights
    }
    furthest = max(strays, key=lambda dimension: strays[dimension])
    ids = Counter(dialogue["seed"]["extra"]["persona"]["id"] for dialogue in dialogues)
    return [
        (f"personas: mean of {len(strays)} dimensions", f"{mean(strays.values()):.3f}", "<= 0.10"),
        (f"personas: furthest ({furthest}, {len(weights[furthest])} values)", f"{strays[furthest]:.3f}", "<= 0.10"),
        ("dialogues of one person, most", max(ids.values()), "<= 20"),
    ]


def tells(message: str, fact: str) -> bool:
    """Whether the message holds half of the fact's words of five letters and more."""
    wanted = {word for word in words(fact) if len(word) > 4}
    return len(wanted & set(words(message))) >= KEPT_SHARE * len(wanted)


def said_rows(dialogues: Sequence[dict[str, Any]]) -> list[Row]:
    """What the notes asked for, and what the messages hold."""
    pairs = [
        (plan, message["content"])
        for dialogue in dialogues
        for plan, message in zip(dialogue["seed"]["extra"]["acts"], _follow_ups(dialogue), strict=True)
    ]
    asked = [(plan, text) for plan, text in pairs if plan["form"] == "question"]
    other = [(plan, text) for plan, text in pairs if plan["form"] != "question"]
    facts = [(plan["release"], text) for plan, text in pairs if plan.get("release")]
    opened = [(plan["opening"], text) for plan, text in pairs if plan.get("opening")]
    ranged = [(plan["words"], len(words(text))) for plan, text in pairs]
    return [
        ("facts let out that are in the message's words", _percent(tells(text, fact) for fact, text in facts), ""),
        ("planned questions with a question mark", _percent("?" in text for _, text in asked), ""),
        ("other messages with one", _percent("?" in text for _, text in other), ""),
        ("messages within the planned words", _percent(low <= size <= high for (low, high), size in ranged), ""),
        ("messages that begin as planned", _percent(words(t)[: len(words(o))] == words(o) for o, t in opened), ""),
    ]


def noise_rows(dialogues: Sequence[dict[str, Any]]) -> list[Row]:
    """By typing care: small first letters and missing last marks, beside the chances of users/noise.toml."""
    chances = data("users/noise.toml")
    by_care: defaultdict[str, list[str]] = defaultdict(list)
    for dialogue in dialogues:
        traits = dialogue["seed"]["extra"]["persona"]["traits"]
        if traits["device"] != "dictated":
            by_care[traits["typing"]] += [message["content"] for message in _follow_ups(dialogue)]
    rows: list[Row] = []
    for care in ("clean", "light", "sloppy", "careless"):
        texts = by_care[care]
        small, open_ = _percent(text[0].islower() for text in texts), _percent(text[-1].isalnum() for text in texts)
        least, most = chances[care]["no_end"] * chances["question"]["no_end"], chances[care]["no_end"]
        wanted = f"{chances[care]['lower_start']:.0%}, {least:.0%}-{most:.0%}"
        rows.append((f"typing {care} (n = {len(texts):,}): starts small, no last mark", f"{small}, {open_}", wanted))
    return rows


def _follow_ups(dialogue: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [message for message in dialogue["messages"] if message["role"] == "user"][1:]


def _percent(true: Iterable[bool]) -> str:
    return f"{100 * mean(true):.1f} %"


def run_rows(summary: Mapping[str, Any], turns: int) -> list[Row]:
    """What was asked again and what was lost; flags on answers are only counted, and are no second request."""
    noted = {name: times for name, times in summary["tally"]["noted"].items() if not name.startswith("assistant_")}
    lost = summary["failed"] / (summary["dialogues"] + summary["failed"])
    by_check = ", ".join(f"{name} {times}" for name, times in sorted(noted.items(), key=lambda item: -item[1]))
    return [
        ("turns asked again, of the user's", f"{100 * sum(noted.values()) / turns:.2f} % ({by_check})", "<= 4 %"),
        ("dialogues dropped", f"{100 * lost:.2f} %", "<= 1 %"),
    ]


def report(folder: Path) -> str:
    """Both tables of a run folder of world-questions in English, with its presets as they come."""
    dialogues = list(made.rows(folder / "dialogues.jsonl"))
    sector = data("sectors/world-questions/sector.toml")
    low, _, high = sector["rounds"].partition("-")
    rows = act_rows(dialogues, sector["column"])
    rows.append(rounds_row(dialogues, sector["preset"], (int(low), int(high))))
    rows += persona_rows(dialogues, sector["column"]) + said_rows(dialogues) + noise_rows(dialogues)
    turns = sum(len(dialogue["seed"]["extra"]["acts"]) for dialogue in dialogues)
    rows += run_rows(orjson.loads((folder / "summary.json").read_bytes()), turns)
    plan = [f"| {name} | {value} | {bar} |" for name, value, bar in rows]
    head = f"| {len(dialogues):,} dialogues, total variation or share | outcome | plan or pass |\n|---|---|---|"
    return "\n".join([head, *plan, "", table([seen(dialogue) for dialogue in dialogues])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="a run folder; default: one is made")
    parser.add_argument("--n", type=int, default=2000)
    asked = parser.parse_args()
    if asked.folder:
        print(report(asked.folder))
        return
    with tempfile.TemporaryDirectory() as name:
        run(gen_run(Path(name) / "run", asked.n, "builtin"), statuses=(0, 1))
        print(report(Path(name) / "run"))
    print(f"\nof: `{shown(gen_run(Path('OUT'), asked.n, 'builtin'))}`")


if __name__ == "__main__":
    main()
