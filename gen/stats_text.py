"""`gen stats` as a person reads it in a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

from gen.text import safe

Figures = Mapping[str, Mapping[str, Any]]
Cells = Sequence[str]
_GAP = "  "
_WIDTH = 120
_LEXICAL = {
    "mtld": "MTLD 0.72",
    "hdd_42": "HD-D 42",
    "mattr_50": "MATTR 50",
    "distinct_1": "distinct-1, of 10,000 words",
    "distinct_2": "distinct-2, of 10,000 words",
    "skipped": "turns under 50 words, left out, %",
}
_CONTENT = {
    "repetition": "dialogues that repeat themselves",
    "refusals": "dialogues with a refusal",
    "thanks_only": "follow-ups of thanks and nothing else",
    "asked_first": "asked before advised, of cases with something held back",
    "came_to_advice": "advised at all, of the same",
}


def stats_report(report: Mapping[str, Any]) -> str:
    """All tables; those of groups last."""
    return "\n".join(_lines(report))


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    sample = report["sample"]
    yield f"{safe(report['input'])}: {_head(report)}"
    yield f"({report['rule']}{'; ' + _tokens(report)})"
    yield ""
    yield from _table(["", "mean", "95 % interval", "median", "p95"], map(_size, report["sizes"].values()))
    yield ""
    some = f"{sample['dialogues']:,} of {sample['of']:,} dialogues, drawn with seed {sample['seed']}"
    yield f"what follows is of {'all dialogues' if sample['dialogues'] == sample['of'] else some}"
    yield ""
    yield from _lexical(report["lexical"])
    yield ""
    yield from _alike(report)
    yield ""
    yield from _content(report)
    yield ""
    yield from _acceptance(report)
    yield ""
    yield from _published(report)
    if "groups" in report:
        yield ""
        yield from _groups(report)


def _head(part: Mapping[str, Any]) -> str:
    parts = [_counted(part[f"{one}s"], one) for one in ("dialogue", "round", "turn", "word")]
    if part["tokens"] is not None:
        parts.append(_counted(part["tokens"], "token"))
    if part["unanswered_user_turns"]:
        parts.append(_counted(part["unanswered_user_turns"], "user turn") + " without an answer")
    if part["system_messages"]:
        parts.append(_counted(part["system_messages"], "system message"))
    return ", ".join(parts)


def _counted(number: int, one: str) -> str:
    return f"1 {one}" if number == 1 else f"{number:,} {one}s"


def _tokens(report: Mapping[str, Any]) -> str:
    return f"tokens by {safe(report['tokenizer'])}" if report["tokenizer"] else "--tokenizer counts tokens"


def _size(figure: Mapping[str, Any]) -> Cells:
    text = str(figure["unit"]).replace(" per ", " a ").replace("a assistant", "an assistant")
    return text, number(figure["value"]), interval(figure), number(figure.get("median")), number(figure.get("p95"))


def _lexical(lexical: Mapping[str, Figures]) -> Iterator[str]:
    sides = ("user", "assistant")
    rows = [
        (
            text,
            *(cell for side in sides for cell in (number(lexical[side][name]["value"]), interval(lexical[side][name]))),
        )
        for name, text in _LEXICAL.items()
    ]
    yield from _table(["words", "user", "95 % interval", "assistant", "95 % interval"], rows)
    short = {side: lexical[side]["distinct_1"] for side in sides if lexical[side]["distinct_1"]["value"] is not None}
    yield from (f"(distinct-n of the {side}: {one['why']})" for side, one in short.items() if "why" in one)


def _alike(report: Mapping[str, Any]) -> Iterator[str]:
    near = report["coherence"]
    rows = [
        ("topic: mean cosine of two dialogues", report["topic"]["tfidf_cosine"]),
        ("coherence: a turn with the next, less with a stranger's", near["tfidf_coherence"]),
        ("  with the next", near["tfidf_adjacent"]),
        ("  with a stranger's", near["tfidf_random"]),
    ]
    yield from _table(
        ["TF-IDF", "cosine", "95 % interval"], [(text, number(one["value"]), interval(one)) for text, one in rows]
    )
    if why := report["topic"]["tfidf_cosine"].get("why"):
        yield f"({why})"
    yield "(words in common, not meaning: never to be compared with cosines of embeddings, as UltraChat's 0.70)"


def _content(report: Mapping[str, Any]) -> Iterator[str]:
    rows = [(text, report["content"][name]) for name, text in _CONTENT.items() if name in report["content"]]
    rows += [(f"dialogues in {safe(code)}", one) for code, one in list(report["languages"].items())[:10]]
    yield from _table(["", "%", "95 % interval"], [(text, number(one["value"]), interval(one)) for text, one in rows])


def _acceptance(report: Mapping[str, Any]) -> Iterator[str]:
    head = ["user turns beside people's", "value", "95 % interval", "n", "pass", "alarm", ""]
    yield from _table(head, map(_row, report["acceptance"]))
    looked, asked = report["sample"]["dialogues"], report["asked"]["dialogues"]
    yield "(follow-ups are the user's turns but the first; shares are of them unless they say otherwise)"
    if looked < asked:
        yield f"(a pass asks for {asked:,} dialogues, these are {looked:,})"
    if told := report.get("words_that_tell"):
        yield from wrap(f"ours by: {safe(', '.join(told['generated']))}", _WIDTH)
        yield from wrap(f"real by: {safe(', '.join(told['real']))}", _WIDTH)


def _row(row: Mapping[str, Any]) -> Cells:
    unit = f" {row['unit']}" if row["unit"] in ("%", "bits") and row["value"] is not None else ""
    verdict = {"alarm": "ALARM", "not applicable": "n/a"}.get(row["verdict"], row["verdict"])
    if row["reason"]:
        verdict += f": {row['reason']}"
    beyond = _beyond(row["alarm"], row["pass"])
    return (
        row["text"],
        number(row["value"]) + unit,
        interval(row),
        f"{row['n']:,}",
        _within(row["pass"]),
        beyond,
        verdict,
    )


def _within(bounds: Sequence[float | None]) -> str:
    low, high = bounds
    if high is None:
        return f">= {low:g}"
    if low == high:
        return f"{low:g}"
    return f"<= {high:g}" if not low else f"{low:g}-{high:g}"


def _beyond(alarm: Sequence[float | None] | None, within: Sequence[float | None]) -> str:
    """The bounds beyond which a value alarms, where something lies beyond them."""
    if alarm is None:
        return ""
    low, high = alarm
    below = f"< {low:g}" if low else ""
    above = f"> {high:g}" if high is not None and (not below or high != within[1]) else ""
    return " or ".join(part for part in (below, above) if part)


def _published(report: Mapping[str, Any]) -> Iterator[str]:
    head = ["beside UltraChat's Table 5", "dialogues", "rounds", "tokens", "a turn", "MTLD", "topic", "coherence"]
    names = ("rounds_per_dialogue", "tokens_per_dialogue", "tokens_per_turn")
    sizes = report["sizes"]
    ours = ["these", f"{report['dialogues']:,}", *(number(sizes.get(name, {}).get("value")) for name in names)]
    ours += [number(report["lexical"]["both"]["mtld"]["value"]), "", ""]
    rows = [
        [row["name"], f"{row['dialogues']:,}", *(number(row[name]) for name in (*names, "mtld", "topic", "coherence"))]
        for row in report["published"]["rows"]
    ]
    yield from _table(head, [ours, *rows])
    yield from wrap(f"({report['published']['caveat']})", _WIDTH)


def _groups(report: Mapping[str, Any]) -> Iterator[str]:
    head = [f"by {safe(report['by'])}", "dialogues", "looked at", "rounds", "words", "MTLD", "questions", "alarms"]
    yield from _table(head, (_group(name, part) for name, part in report["groups"].items()))
    yield "(--json has every figure of each group)"


def _group(name: str, part: Mapping[str, Any]) -> Cells:
    sizes = part["sizes"]
    cells = [safe(name).replace("\n", " "), f"{part['dialogues']:,}", f"{part.get('sample', {}).get('dialogues', 0):,}"]
    cells += [number(sizes[key]["value"]) for key in ("rounds_per_dialogue", "words_per_dialogue")]
    if "acceptance" not in part:
        return [*cells, "", "", ""]
    rows = {row["key"]: row for row in part["acceptance"]}
    alarms = [key for key, row in rows.items() if row["verdict"] == "alarm"]
    mtld = number(part["lexical"]["both"]["mtld"]["value"])
    return [*cells, mtld, number(rows["questions"]["value"]), ", ".join(alarms) or "none"]


def number(value: float | None) -> str:
    """Four digits that count; "-" for none."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 1 else f"{value:.4f}"


def interval(figure: Mapping[str, Any]) -> str:
    """Both ends; "" where there are none."""
    low, high = figure["low"], figure["high"]
    return "" if low is None or high is None else f"{number(low)} - {number(high)}"


def _table(head: Cells, rows: Any) -> Iterator[str]:
    """Columns as wide as what stands in them: the first and the last to the left, numbers to the right."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    last = len(head) - 1
    for row in every:
        cells = [
            cell.ljust(width) if column == 0 or (column == last and head[last] in ("", "alarms")) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield _GAP.join(cells).rstrip()
