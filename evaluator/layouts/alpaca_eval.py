"""AlpacaEval's annotations: upstream's annotations.json, or a table of model, index, lengths, preference."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.judges.alpaca_eval_2 import preference as by_logprobs
from evaluator.protocol import Unreadable
from evaluator.records import Judgment, Verdict
from evaluator.stored import Row, key

BASELINE = "baseline"


def fits(row: Mapping[str, Any]) -> bool:
    """Whether the row holds a preference between a baseline and a model."""
    return "preference" in row and ({"instruction", "output_1", "output_2"} <= row.keys() or "len_2" in row)


def judgments(row: Mapping[str, Any], path: Path) -> list[Row]:
    """The annotation. A preference runs from 1 (baseline) to 2 (model); 0 in old files is a draw, an empty one none."""
    system = str(row.get("generator_2") or row.get("model") or "model")
    other = str(row.get("generator_1") or BASELINE)
    weighted = "logprob_m" in row or "weighted" in str(row.get("annotator", ""))
    item = str(row["index"] if "index" in row else row["instruction"])
    lengths = [int(row[f"len_{n}"]) if f"len_{n}" in row else len(str(row[f"output_{n}"])) for n in (1, 2)]
    first = bool(_swapped(row))
    shown = (system, other) if first else (other, system)
    protocol = "alpaca_eval_2" if weighted else "alpaca_eval_1"
    found = Judgment(
        key=key(protocol, system, other, item),
        protocol=protocol,
        benchmark="alpaca_eval",
        item=item,
        category=row.get("dataset") or None,
        shown=shown,
        lengths=tuple(reversed(lengths)) if first else tuple(lengths),
        order=0 if first else 1,
        judge=str(row.get("annotator") or "unknown"),
        state="unparsed",
    )
    value = _preference(row, first)
    return [Row(found, None if value is None else Verdict(preference=value if first else 1 - value))]


def _swapped(row: Mapping[str, Any]) -> bool | None:
    """Whether the model's answer was shown first; None where that is not known."""
    text = str(row.get("swapped") if row.get("swapped") is not None else "").strip()
    return {"1": True, "0": False}.get(text.removesuffix(".0"))


def _preference(row: Mapping[str, Any], first: bool) -> float | None:
    """How much the model is preferred, 0 to 1: by the log-probabilities where they are kept."""
    logprobs = [(sign, float(row[f"logprob_{sign}"])) for sign in "mM" if str(row.get(f"logprob_{sign}") or "").strip()]
    if logprobs and _swapped(row) is not None:
        try:
            shown_first = by_logprobs(logprobs)
        except Unreadable:
            return None
        return shown_first if first else 1 - shown_first
    text = str(row["preference"] if row["preference"] is not None else "").strip()
    if not text or math.isnan(float(text)):
        return None
    value = float(text)
    return 0.5 if value == 0 else value - 1
