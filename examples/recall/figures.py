"""The figures of a training as demo.json: {exact_replies, n, eval_loss}.

python examples/recall/figures.py runs/recall-model runs/demo.json
"""

import json
import sys
from pathlib import Path


def main(training: str, out: str) -> None:
    """Pick them out of the training's summary."""
    summary = json.loads((Path(training) / "summary.json").read_text(encoding="utf-8"))
    figures = {name: summary[name] for name in ("exact_replies", "n", "eval_loss")}
    Path(out).write_text(json.dumps(figures) + "\n", encoding="utf-8")
    print(f"{out}: {json.dumps(figures)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
