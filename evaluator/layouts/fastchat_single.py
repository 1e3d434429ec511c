"""FastChat's MT-bench grades: model_judgment/JUDGE_single.jsonl."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.records import Judgment, Verdict
from evaluator.stored import Row, key

PROTOCOL = "mt_bench"


def fits(row: Mapping[str, Any]) -> bool:
    """Whether the row is a grade of one model's turn."""
    return {"question_id", "model", "turn", "judgment", "score"} <= row.keys()


def judgments(row: Mapping[str, Any], path: Path) -> list[Row]:
    """The one grade; a stored -1 means that none was found."""
    judge = _judge(row.get("judge"))
    item, model, turn = str(row["question_id"]), str(row["model"]), int(row["turn"])
    score = float(row["score"])
    found = Judgment(
        key=key(PROTOCOL, item, model, turn, judge),
        protocol=PROTOCOL,
        benchmark="mt_bench",
        item=item,
        shown=(model,),
        turn=turn,
        judge=judge,
        raw=str(row["judgment"]),
        state="unparsed",
    )
    return [Row(found, None if score < 0 else Verdict(scores=(score,)))]


def _judge(value: Any) -> str | None:
    """The judge's model; the prompt's name beside it differs by question, and is no other judge."""
    return str(value[0]) if isinstance(value, list) and value else None if value is None else str(value)
