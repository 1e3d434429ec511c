"""The options that `gen run` and `gen plan` share, and how they become settings."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from generator.settings import RunSettings


def run_options(parser: argparse.ArgumentParser) -> None:
    """Add them."""
    what = parser.add_argument_group("what to make")
    what.add_argument(
        "--sector",
        metavar="S",
        help="kind of dialogue (`gen sectors` lists them), or several with weights: creation:3,recall:1",
    )
    what.add_argument(
        "--n", metavar="N", help="dialogues that the folder shall hold in the end (--openers: one for each)"
    )
    what.add_argument("--rounds", metavar="A-B", help="fewest and most rounds (default: the sector's)")
    what.add_argument("--preset", metavar="P", help="how the rounds are spread: training, wild")
    what.add_argument(
        "--shares",
        metavar="P",
        help="the sector's shares of opener kinds: paper, readme; self-chat: transcript, turns, both",
    )
    what.add_argument("--language", metavar="L:W,...", help="languages and weights, as zh-TW:3,en:1 (default: en)")
    what.add_argument(
        "--openers", metavar="FILE", help="your own openers: JSONL with `opener` and seed fields, or plain lines"
    )
    what.add_argument(
        "--input",
        metavar="FILE",
        help="material for the sector, for most in the place of what it ships: names, one a line (world-questions, "
        "creation, role-chat, harmless, recall); instructions (self-instruct, evol-instruct); passages (materials, "
        "tool-use); seeds (self-chat); dialogues in any layout, or a folder of them (continue, reanswer, preference). "
        "`gen sectors` and docs/sectors.md tell it of each",
    )
    what.add_argument(
        "--system", metavar="FILE", help="system prompts: JSONL with `system` and `weight`, or plain lines"
    )
    what.add_argument("--prompts", metavar="DIR", help="your templates and data files; they stand before the package's")
    what.add_argument("--seed", metavar="I", help="another seed makes another plan (default: 0)")
    where = parser.add_argument_group("where")
    where.add_argument("--out", metavar="DIR", help="run folder (default: runs/SECTOR)")
    where.add_argument("--config", metavar="F.toml", help="settings of a project; flags win over it")
    models = parser.add_argument_group("models and limits")
    models.add_argument(
        "--endpoint",
        metavar="E",
        help="openai, a URL http(s)://.../v1, local:PATH_OR_HUB_ID, builtin, or a name from --config "
        "(default: openai where OPENAI_API_KEY is set)",
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
    *("endpoint", "model", "rpm", "tpm", "concurrency", "max_cost", "max_requests", "prices"),
)
"""Options that are settings, as `gen.config` knows them."""


def parts_of(
    arguments: argparse.Namespace,
) -> "tuple[Mapping[str, float], Mapping[str, RunSettings]] | None":
    """Weights and settings of several sectors; None where one is asked for. Raises UsageError."""
    from gen.mixing import settings_of_parts, weights_of

    flags, config = _flags(arguments)
    weights = weights_of(flags, config)
    return (weights, settings_of_parts(weights, flags, config)) if weights else None


def settings_of(arguments: argparse.Namespace) -> "RunSettings":
    """The settings that flags and TOML give together. Raises UsageError."""
    from gen.config import run_settings

    return run_settings(*_flags(arguments))


def _flags(arguments: argparse.Namespace) -> tuple[dict[str, str], Path | None]:
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
