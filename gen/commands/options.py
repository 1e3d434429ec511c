"""The options that `gen run` and `gen plan` share, and how they become settings."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen.mixing import Mixture
    from generator.settings import RunSettings


def run_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    _what(parser)
    _where(parser)


def _what(parser: argparse.ArgumentParser) -> None:
    what = parser.add_argument_group("what to make")
    what.add_argument(
        "--sector",
        metavar="S",
        help="kind of dialogue (`gen sectors` lists them), or several with weights: creation:3,recall:1",
    )
    what.add_argument(
        "--weights-from",
        metavar="REPORT",
        help="of several sectors: more of those where a model is weak, by the report of `gen evaluate`, or its folder",
    )
    what.add_argument(
        "--weights-system", metavar="NAME", help="which model of the report (default: the only one in it)"
    )
    what.add_argument(
        "--n", metavar="N", help="dialogues that the folder shall hold in the end (--openers: one for each)"
    )
    what.add_argument("--rounds", metavar="A-B", help="fewest and most rounds (default: the sector's)")
    what.add_argument("--preset", metavar="P", help="how the rounds are spread: training, wild")
    what.add_argument(
        "--shares",
        metavar="P",
        help="the sector's shares of opener kinds: paper, readme; self-chat: transcript, turns, both, feedback",
    )
    what.add_argument("--language", metavar="L:W,...", help="languages and weights, as zh-TW:3,en:1 (default: en)")
    what.add_argument(
        "--openers",
        metavar="FILE",
        action="append",
        help="your own openers: JSONL with `opener` and seed fields, or plain lines; of several sectors SECTOR=FILE",
    )
    what.add_argument(
        "--input",
        metavar="FILE",
        action="append",
        help="material for the sector, for most in the place of what it ships: names, one a line (world-questions, "
        "creation, role-chat, harmless, recall); instructions (self-instruct, evol-instruct); passages (materials, "
        "tool-use); seeds (self-chat); a page about an assistant (domain); dialogues in any layout, or a folder of "
        "them (continue, reanswer, preference). `gen sectors` and docs/sectors.md tell it of each. Of several sectors "
        "SECTOR=FILE",
    )
    what.add_argument(
        "--system", metavar="FILE", help="system prompts: JSONL with `system` and `weight`, or plain lines"
    )
    what.add_argument("--prompts", metavar="DIR", help="your templates and data files; they stand before the package's")
    what.add_argument("--seed", metavar="I", help="another seed makes another plan (default: 0)")


def _where(parser: argparse.ArgumentParser) -> None:
    where = parser.add_argument_group("where")
    where.add_argument("--out", metavar="DIR", help="run folder (default: runs/SECTOR)")
    where.add_argument("--config", metavar="F.toml", help="settings of a project; flags win over it")
    _speaking_options(parser)


def _speaking_options(parser: argparse.ArgumentParser) -> None:
    """Those of models and limits."""
    models = parser.add_argument_group("models and limits")
    models.add_argument(
        "--endpoint",
        metavar="E",
        help="openai, a URL http(s)://.../v1, local:PATH_OR_HUB_ID, builtin, or a name from --config "
        "(default: openai where OPENAI_API_KEY is set)",
    )
    models.add_argument(
        "--assistant",
        metavar="E,...",
        help="who answers, where that is not --endpoint's; preference: several, with commas, dealt to its principles",
    )
    models.add_argument(
        "--trained-user",
        metavar="E",
        help="who plays the user where that is a model that was taught the user's side: local:MODEL of gen train "
        "--train-on user, or an endpoint of such a model (UserLM); it speaks for itself, told who it is by a brief",
    )
    models.add_argument("--model", metavar="M", help="model name (openai default: gpt-4.1-mini)")
    models.add_argument("--rpm", metavar="R", help="requests per minute allowed by the provider")
    models.add_argument("--tpm", metavar="T", help="tokens per minute allowed by the provider")
    models.add_argument("--concurrency", metavar="C", help="dialogues, and requests, under way at once (default: 64)")
    models.add_argument(
        "--max-cost",
        metavar="USD",
        help="stop, resumable, before spending more (an answer longer than all before it may)",
    )
    models.add_argument("--max-requests", metavar="N", help="stop, resumable, after so many requests")
    models.add_argument("--prices", metavar="F.toml", help="price table that stands before the package's")


OPTIONS = (
    *("sector", "n", "rounds", "preset", "shares", "language", "openers", "input", "system", "prompts", "seed", "out"),
    *(
        "endpoint",
        "assistant",
        "trained_user",
        "model",
        "rpm",
        "tpm",
        "concurrency",
        "max_cost",
        "max_requests",
        "prices",
    ),
    *("weights_from", "weights_system"),
)
"""Options that are settings, as `gen.config` knows them."""


def mixture_asked(arguments: argparse.Namespace, keys: bool = True) -> "Mixture | None":
    """The mixture of several sectors, its weights told on stderr where a report made them; None of one sector's run.

    Without `keys` no endpoint's key has to be there. Raises UsageError.
    """
    from gen.mixing import mixture_of

    found = mixture_of(*_flags(arguments), keys=keys)
    for line in found.weights.told if found else ():
        print(line, file=sys.stderr)
    return found


def settings_of(arguments: argparse.Namespace, keys: bool = True) -> "RunSettings":
    """The settings that flags and TOML give together, `keys` as above. Raises UsageError."""
    from gen.config import run_settings

    return run_settings(*_flags(arguments), keys=keys)


def _flags(arguments: argparse.Namespace) -> tuple[dict[str, Any], Path | None]:
    flags = {name: getattr(arguments, name) for name in OPTIONS if getattr(arguments, name) is not None}
    return flags, Path(arguments.config) if arguments.config else None


def model_options(parser: argparse.ArgumentParser) -> None:
    """The options of commands that use a model of one's own."""
    parser.add_argument("model", metavar="MODEL", help="a model's folder, the output of `gen train`, or a hub id")
    what = parser.add_argument_group("the model")
    what.add_argument("--device", metavar="D", help="cpu, cuda, cuda:1 ... (default: a GPU where there is one)")
    what.add_argument(
        "--dtype", metavar="T", help="float32, bfloat16, float16 or auto (default: as its file says; float32 on a CPU)"
    )
