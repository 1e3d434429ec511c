"""FastChat's MT-bench battles: model_judgment/JUDGE_pair.jsonl, two games a row."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evaluator.layouts.fastchat_single import _judge
from evaluator.records import Judgment, Verdict
from evaluator.stored import Row, key

PROTOCOL = "mt_bench_pair"


def fits(row: Mapping[str, Any]) -> bool:
    """Whether the row holds two games of two models."""
    return {"question_id", "model_1", "model_2", "g1_winner", "g2_winner"} <= row.keys()


def judgments(row: Mapping[str, Any], path: Path) -> list[Row]:
    """Both games; in the second the models stand the other way round."""
    models = (str(row["model_1"]), str(row["model_2"]))
    item, turn, judge = str(row["question_id"]), int(row.get("turn") or 1), _judge(row.get("judge"))
    found = []
    for game, shown in ((1, models), (2, models[::-1])):
        raw = row.get(f"g{game}_judgment")
        one = Judgment(
            key=key(PROTOCOL, item, *models, turn, judge, game),
            protocol=PROTOCOL,
            benchmark="mt_bench",
            item=item,
            shown=shown,
            turn=turn,
            order=game - 1,
            judge=judge,
            raw=None if raw is None else str(raw),
            state="unparsed",
        )
        found.append(Row(one, _winner(str(row[f"g{game}_winner"]), models, shown)))
    return found


def _winner(winner: str, models: tuple[str, str], shown: tuple[str, ...]) -> Verdict | None:
    """What was stored: "model_1", "model_2", a tie, or an error."""
    if winner == "tie":
        return Verdict(preference=0.5)
    if winner not in ("model_1", "model_2"):
        return None
    return Verdict(preference=float(shown[0] == models[int(winner[-1]) - 1]))
