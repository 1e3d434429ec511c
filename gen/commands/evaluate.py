"""gen evaluate: how good models are, by the protocols that the field trusts, and how sure that is."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evaluator.estimating import Expected


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    many: dict[str, Any] = {"nargs": "+", "action": "extend"}
    who = parser.add_argument_group("who is evaluated")
    who.add_argument(
        "--model", metavar="E", dest="models", **many,
        help="endpoints: [NAME=]E[#MODEL], E as for `gen run`: openai, a URL, local:PATH, builtin, or a name",
    )  # fmt: skip
    who.add_argument("--answers", metavar="F", **many, help="answers that are there already, [NAME=]FILE")
    who.add_argument("--baseline", metavar="E", help="what pair protocols compare with: a system, or one more E")
    who.add_argument("--temperature", metavar="T", help="of answers, where the protocol does not say")
    who.add_argument("--max-tokens", metavar="N", help="longest answer")
    what = parser.add_argument_group("on what")
    what.add_argument(
        "--benchmark", metavar="B", dest="benchmarks", **many,
        help="files as for `gen contamination`: PATH, NAME=PATH, MAP.toml; or dialogues, a run folder",
    )  # fmt: skip
    what.add_argument("--references", metavar="F", **many, help="reference answers for the judge, as FastChat has them")
    what.add_argument(
        "--limit", metavar="N", help="only the first N items of each benchmark (of a mixture: in turn from its parts)"
    )
    what.add_argument("--samples", metavar="N", help="answers to each item, for checks (default: 1)")
    play = parser.add_argument_group("or on new dialogues")
    play.add_argument("--play", metavar="N", help="let each model hold N dialogues with the user simulator")
    play.add_argument("--simulator", metavar="E", help="who plays the user and writes the openers")
    play.add_argument("--sector", metavar="S", help="kind of dialogue (default: world-questions)")
    play.add_argument("--rounds", metavar="A-B", help="fewest and most rounds (default: the sector's)")
    how = parser.add_argument_group("how it is scored")
    how.add_argument(
        "--protocol", metavar="P", dest="protocols", **many,
        help="judge protocols and checks (--list names them; default: the benchmark's own)",
    )  # fmt: skip
    how.add_argument("--judge", metavar="E", help="who judges: E[#MODEL]")
    how.add_argument("--judge-model", metavar="M", help="the judge's model name")
    how.add_argument("--judge-samples", metavar="K", help="calls for each view (default: the protocol's)")
    how.add_argument("--repeats", metavar="N", help="judge all N times: how far the judge agrees with itself")
    how.add_argument("--from-judgments", metavar="F", dest="judgments", **many, help="stored ones; nothing is asked")
    how.add_argument("--as-stored", action="store_true", default=None, help="take stored verdicts as they are")
    how.add_argument("--contamination", metavar="DIR", help="a report of `gen contamination`: clean items apart")
    how.add_argument("--difficulty", metavar="F.csv", help="of instructions, for AlpacaEval's length control")
    how.add_argument("--anchors", metavar="F.csv", help="its regularising rows")
    how.add_argument("--people", metavar="F.csv", help="people.csv of this folder, filled in: 1, 2, tie, or a number")
    how.add_argument("--compare", metavar="DIR", **many, help="folders of other evaluations")
    how.add_argument("--seed", metavar="I", help="of answers, orders and calls (default: 0)")
    how.add_argument("--prompts", metavar="DIR", help="your templates; they stand before the package's")
    where = parser.add_argument_group("where, and within what limits")
    where.add_argument("--out", metavar="DIR", help="folder for answers, judgments and the report; run again to resume")
    where.add_argument("--answers-as", metavar="L", help="write answers out too: alpaca_eval, fastchat, arena_hard")
    where.add_argument("--config", metavar="F.toml", help="settings of a project: [evaluate], [endpoint.NAME]")
    where.add_argument("--concurrency", metavar="C", help="questions under way at once (default: 16)")
    where.add_argument("--max-cost", metavar="USD", help="stop, resumable, before spending more")
    where.add_argument("--prices", metavar="F.toml", help="price table that stands before the package's")
    where.add_argument("--dry-run", action="store_true", help="what would be asked, and its cost; ask nothing")
    where.add_argument("--list", action="store_true", help="the protocols and checks, a line each")
    where.add_argument("--json", action="store_true", help="print the report, or the estimate, as JSON")


OPTIONS = (
    *("models", "answers", "answers_as", "benchmarks", "references", "protocols", "judge", "judge_model", "baseline"),
    *("out", "judgments", "as_stored", "limit", "samples", "judge_samples", "repeats", "contamination", "difficulty"),
    *("anchors", "people", "compare", "prompts", "seed", "temperature", "max_tokens", "concurrency", "max_cost"),
    *("prices", "play", "simulator", "sector", "rounds"),
)


def command(arguments: argparse.Namespace) -> int:
    """Evaluate; the exit status is the report's own."""
    if arguments.list:
        return _list()
    from gen.evaluate_config import evaluate_settings

    flags = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}
    settings = evaluate_settings(flags, Path(arguments.config) if arguments.config else None)
    from gen.evaluation import estimated, settled

    if arguments.dry_run:
        _print_estimate(estimated(settings), arguments.json)
        return 0
    report = settled(settings)
    status: int = report["status"]
    if status == 130:
        print(f"gen evaluate: interrupted; {report['open']:,} questions are open; run it again", file=sys.stderr)
        return status
    _print(report, arguments.json)
    if report["stopped"]:
        print(f"gen evaluate: {report['stopped']}", file=sys.stderr)
    return status


def _print_estimate(expected: "list[Expected]", as_json: bool) -> None:
    if not as_json:
        head = "at most, with nothing of an earlier call taken off:" if expected else "nothing would be asked"
        print("\n".join([head, *(one.line for one in expected)]))
        return
    import orjson

    rows = [{name: value for name, value in one._asdict().items() if name != "line"} for one in expected]
    sys.stdout.write(orjson.dumps(rows, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _print(report: dict[str, Any], as_json: bool) -> None:
    if not as_json:
        from gen.evaluate_text import evaluation_report

        print(evaluation_report(report))
        return
    import orjson

    sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _list() -> int:
    from evaluator.check import check, checks
    from evaluator.measure import measure, measures
    from evaluator.protocol import judge, judges

    kinds = (("judged", judges(), judge), ("checked", checks(), check), ("measured", measures(), measure))
    for title, names, found in kinds:
        print(f"{title}:")
        for name in names:
            print(f"  {name:<18}{_first_line(found(name))}")
    return 0


def _first_line(protocol: object) -> str:
    module = sys.modules[type(protocol).__module__]
    return " ".join((module.__doc__ or "").split("\n\n")[0].split())
