"""Reviews of the first Vicuna evaluation: two scores and a text a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.records import Judgment, Verdict
from evaluator.stored import Row, key

PROTOCOL = "vicuna_bench"


def fits(row: Mapping[str, Any]) -> bool:
    """Whether the row is a review."""
    return {"question_id", "score", "text"} <= row.keys()


def judgments(row: Mapping[str, Any], path: Path) -> list[Row]:
    """The review; a stored -1 means that no score was found."""
    file = str(row.get("file") or path.stem)
    first, second = (str(row.get(f"answer{n}_id") or "") for n in (1, 2))
    if not (first and second):
        first, second = _models(file)
    scores = [float(value) for value in row["score"]]
    stored = Verdict(scores=tuple(scores)) if len(scores) == 2 and min(scores) >= 0 else None
    found = Judgment(
        key=key(PROTOCOL, file, row["question_id"]),
        protocol=PROTOCOL,
        benchmark=file if "file" in row else "vicuna",
        item=str(row["question_id"]),
        category=row.get("category"),
        shown=(first, second),
        order=1,
        judge="gpt-3.5-turbo" if file.startswith("gpt-3.5-turbo") else "gpt-4",
        raw=str(row["text"]),
        state="unparsed",
    )
    return [Row(found, stored)]


def _models(file: str) -> tuple[str, str]:
    """The two names of FOLDER/[JUDGE_]review_FIRST_SECOND."""
    first, _, second = file.rpartition("/")[2].rpartition("review_")[2].partition("_")
    return first or "first", second or "second"
