"""gen stats: how much there is, how varied it is, and whether its users pass for people."""

import argparse
import sys

from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("input", metavar="IN", help="a run folder, or a file or folder in any known format")
    parser.add_argument(
        "--by", metavar="FIELD", help="each group too: sector, language, persona, topic, or a path as seed.extra.task"
    )
    parser.add_argument(
        "--against", metavar="REAL", help="dialogues of real users: how well words alone tell ours from them"
    )
    parser.add_argument(
        "--tokenizer",
        metavar="T",
        help="count tokens: a model's folder, a tokenizer.json, or an encoding of tiktoken as cl100k_base",
    )
    parser.add_argument(
        "--sample", metavar="N", type=count, default=10_000, help="dialogues for the costly figures (default: 10000)"
    )
    parser.add_argument("--seed", metavar="I", type=int, default=0, help="another seed, another sample (default: 0)")
    parser.add_argument("--json", action="store_true", help="print the figures as one JSON object")


def command(arguments: argparse.Namespace) -> int:
    """Print the statistics; status 0."""
    from pathlib import Path

    from dialogue.conversion.remarks import remarks_on
    from evaluator.corpus.report import corpus_stats
    from gen.progress import Progress
    from gen.stats_text import stats_report

    with Progress("dialogues") as progress:
        report = corpus_stats(
            Path(arguments.input),
            by=arguments.by,
            tokens=arguments.tokenizer,
            sample=arguments.sample,
            against=Path(arguments.against) if arguments.against else None,
            seed=arguments.seed,
            show=lambda stage, done, total: progress.show(stage, done, total, "" if total else f"{done:,} dialogues"),
        )
        for line in remarks_on([Path(arguments.input)]):
            progress.say(line)
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        print(stats_report(report))
    return 0
