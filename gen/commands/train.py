"""gen train: from dialogues to a model that talks."""

import argparse
import sys

from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "data",
        metavar="DATA",
        nargs="*",
        help="folders of gen filter or gen run, or files in any known format; STAGE=DATA for one stage of a chain",
    )
    parser.add_argument("--out", metavar="DIR", help="folder of the training; the model will be DIR/model")
    what = parser.add_argument_group("what")
    what.add_argument("--model", metavar="M", help="what to start from: a folder, a hub id, an adapter; else scratch")
    what.add_argument("--recipe", metavar="R", help="settings by name (ultralm, baize-7b, vicuna ...), or a TOML")
    what.add_argument("--config", metavar="F.toml", help="a project's TOML; its [train] goes over the recipe")
    what.add_argument("--template", metavar="T", help="chatml, vicuna, ...; own: that of the model's tokenizer")
    what.add_argument("--format", metavar="F", help="format of the data (default: recognised row by row)")
    what.add_argument(
        "--set", metavar="S=V", action="append", default=[], help="any setting, as lora.r=16 or train_on=all"
    )
    size = parser.add_argument_group("how much")
    size.add_argument("--epochs", metavar="E")
    size.add_argument("--max-steps", metavar="N")
    size.add_argument("--lr", metavar="LR")
    size.add_argument("--max-length", metavar="T", help="tokens of one example")
    size.add_argument("--micro-tokens", metavar="T", help="tokens that go through the network at once")
    size.add_argument("--gradient-checkpointing", action="store_true", help="less memory, a third slower")
    size.add_argument("--compile", action="store_true", help="compile the layers (GPUs)")
    how = parser.add_argument_group("how")
    how.add_argument("--show", metavar="N", type=count, help="paint N examples: what is taught; trains nothing")
    how.add_argument("--json", action="store_true", help="print the summary as JSON")


FLAGS = ("model", "template", "format", "epochs", "max_steps", "lr", "max_length", "micro_tokens")


def command(arguments: argparse.Namespace) -> int:
    """Train; the same command goes on where a training was left."""
    from gen.train_config import train_settings

    flags = {name: value for name in FLAGS if (value := getattr(arguments, name)) is not None}
    flags |= {name: True for name in ("gradient_checkpointing", "compile") if getattr(arguments, name)}
    settings = train_settings(
        arguments.data,
        arguments.out or ("." if arguments.show else None),
        recipe_name=arguments.recipe,
        config=arguments.config,
        flags=flags,
        changes=arguments.set,
    )
    if arguments.show:
        from trainer.loop.shown import shown

        for text in shown(settings, arguments.show, colour=sys.stdout.isatty(), said=_say):
            print(text)
        return 0
    from gen.api import train_settled

    summary = train_settled(settings, said=_say)
    if arguments.json:
        import orjson

        sys.stdout.write(orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    elif summary:
        print("\n".join(_report(summary)))
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _report(summary: dict[str, object]) -> list[str]:
    """The summary for a person; the model's folder last."""
    lines = [f"{summary['steps']:,} steps, {summary['useful_tokens']:,} tokens"]
    if summary.get("eval_loss") is not None:
        lines.append(f"eval loss {summary['eval_loss']:.4f}")
    if "exact_replies" in summary:
        lines.append(f"exact replies: {summary['exact_replies']:.1%} of {summary['n']:,} held-out turns")
    return [*lines, str(summary["model"])]
