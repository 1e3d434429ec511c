"""gen plan: what a run would ask and cost."""

import argparse
import sys

from gen.commands.options import mixture_asked, run_options, settings_of


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    run_options(parser)
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")


def command(arguments: argparse.Namespace) -> int:
    """Print the plan; of several sectors each one's, and the sum. Status 0."""
    from gen.planning import planned, planned_run
    from gen.text import mixture_plan_report, plan_report
    from generator.estimate import Estimate

    mixture = mixture_asked(arguments, keys=False)
    plan = planned(mixture) if mixture else planned_run(settings_of(arguments, keys=False))
    if arguments.json:
        import orjson

        shown = orjson.dumps(plan.model_dump(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        sys.stdout.write(shown.decode())
    else:
        print(plan_report(plan) if isinstance(plan, Estimate) else mixture_plan_report(plan))
    return 0
