"""gen train: from dialogues to a model that talks."""

import argparse
import sys
from typing import TYPE_CHECKING

from gen.commands.show import count

if TYPE_CHECKING:
    from trainer.settings import TrainSettings


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
    what.add_argument(
        "--template",
        metavar="T",
        help="chatml, vicuna, ...; own: that of the model's tokenizer (default: own if it has one)",
    )
    what.add_argument("--format", metavar="F", help="format of the data (default: recognised row by row)")
    what.add_argument("--train-on", metavar="W", help="assistant (default), last, user, all: whose words are learned")
    what.add_argument(
        "--validation",
        metavar="V",
        action="append",
        help="held out: a share (0.05), a number of dialogues (200), or a file of its own; several: one option each",
    )
    what.add_argument("--seed", metavar="I", help="of new weights, order and dropout (default: 0)")
    what.add_argument(
        "--set", metavar="S=V", action="append", default=[], help="any setting, as lora.r=16 or train_on=all"
    )
    size = parser.add_argument_group("how much")
    size.add_argument("--epochs", metavar="E")
    size.add_argument("--max-steps", metavar="N")
    size.add_argument("--lr", metavar="LR", help="learning rate (default: 2e-5, of an adapter 2e-4, or the recipe's)")
    size.add_argument("--batch", metavar="B", help="examples a step, over all GPUs (default: 65,536 tokens, or fewer)")
    size.add_argument("--max-length", metavar="T", help="tokens of one example")
    size.add_argument("--micro-tokens", metavar="T", help="tokens that go through the network at once")
    size.add_argument("--auto-batch", action="store_true", help="find the most tokens at once by trying them")
    size.add_argument("--gradient-checkpointing", action="store_true", help="less memory, a third slower")
    size.add_argument("--compile", action="store_true", help="compile the layers (GPUs)")
    how = parser.add_argument_group("how")
    how.add_argument("--eval-every", metavar="N", help="steps between looks at what was held out (default: 200)")
    how.add_argument("--save-every", metavar="N", help="steps between checkpoints (default: 200)")
    how.add_argument("--show", metavar="N", type=count, help="paint N examples a stage: what is taught; trains nothing")
    how.add_argument("--plan", action="store_true", help="steps, memory, hours, and whether it fits; trains nothing")
    how.add_argument("--device-memory", metavar="GIB", type=gib, help="with --plan: for a GPU of so much memory")
    how.add_argument("--list", action="store_true", help="print all settings in use as TOML, and leave; no DATA needed")
    how.add_argument("--json", action="store_true", help="print the summary as JSON")


FLAGS = (
    *("model", "template", "format", "epochs", "max_steps", "lr", "max_length", "micro_tokens", "batch"),
    *("train_on", "validation", "seed", "eval_every", "save_every"),
)


def instead(option: str) -> str | None:
    """What to write for an option that there is not and that means a setting; None where it means none."""
    from gen.train_names import option_for

    if not option.startswith("-"):
        return "DATA stands together, before the options; each file for validation wants a --validation of its own"
    return option_for(option, FLAGS)


def gib(text: str) -> float:
    """An amount of memory, as argparse wants it."""
    try:
        number = float(text.lower().removesuffix("gib"))
    except ValueError:
        number = 0.0
    if not 0 < number < 1e6:
        raise argparse.ArgumentTypeError(f"{text}: expected GiB, as 80")
    return number


def command(arguments: argparse.Namespace) -> int:
    """Train; the same command goes on where a training was left."""
    from gen.train_config import train_settings

    _check(arguments)
    flags = {name: value for name in FLAGS if (value := getattr(arguments, name)) is not None}
    flags |= {name: True for name in ("gradient_checkpointing", "compile") if getattr(arguments, name)}
    settings = train_settings(
        arguments.data,
        arguments.out or ("." if arguments.show or arguments.plan else None),
        to_list=arguments.list,
        recipe_name=arguments.recipe,
        config=arguments.config,
        flags=flags,
        changes=arguments.set,
    )
    if arguments.list:
        return _list(settings)
    if arguments.show:
        return _show(settings, arguments.show)
    if arguments.plan:
        return _plan(settings, arguments)
    return _train(settings, arguments)


def _check(arguments: argparse.Namespace) -> None:
    """UsageError for flags that contradict one another."""
    from dialogue.errors import UsageError

    for one, other, mend in (
        ("show", "plan", "one after the other"),
        ("list", "show", "one after the other"),
        ("list", "plan", "one after the other"),
        ("list", "json", "it is TOML"),
        ("list", "auto_batch", "it trains nothing"),
        ("show", "json", "what it shows is for eyes"),
        ("plan", "auto_batch", "it is for the training; --plan names sizes that fit"),
        ("micro_tokens", "auto_batch", "the one is what the other finds"),
    ):
        if getattr(arguments, one) and getattr(arguments, other):
            flags = [f"--{name.replace('_', '-')}" for name in (one, other)]
            raise UsageError(f"{' and '.join(flags)}: leave one of them out ({mend})")
    if arguments.device_memory is not None and not arguments.plan:
        raise UsageError(f"--device-memory {arguments.device_memory:g}: goes with --plan")


def _list(settings: "TrainSettings") -> int:
    from gen.train_config import STAND_INS
    from gen.train_text import settings_lines
    from trainer import recipes
    from trainer.text import template

    print(f"# recipes: {', '.join(recipes.names())}\n# templates: {', '.join([*template.names(), template.OWN])}")
    print("\n".join(settings_lines(settings, STAND_INS)))
    return 0


def _show(settings: "TrainSettings", wanted: int) -> int:
    from gen.terminal import marks
    from trainer.loop.shown import shown

    for text in shown(settings, wanted, marks=marks(sys.stdout), said=_say):
        print(text)
    return 0


def _plan(settings: "TrainSettings", arguments: argparse.Namespace) -> int:
    from gen.train_text import plan_lines
    from trainer.loop.plan import plans

    found = plans(settings, _say, device_memory_gib=arguments.device_memory)
    if arguments.json:
        dumped = [plan.model_dump(mode="json") for plan in found]
        whole = {"stages": dumped, "hours": sum(plan.hours for plan in found)}
        _print_json(whole if settings.stages else dumped[0])
    else:
        print("\n".join(plan_lines(found)))
    return 0


def _train(settings: "TrainSettings", arguments: argparse.Namespace) -> int:
    from gen.api import train_settled
    from gen.ranks import speaks
    from gen.train_text import Telling, summary_lines

    with Telling() as telling:
        summary = train_settled(settings, telling.say, telling.seen, auto_batch=arguments.auto_batch)
    if not speaks():
        return 0
    if arguments.json:
        _print_json(summary)
    else:
        print("\n".join(summary_lines(summary)))
    return 0


def _say(line: str) -> None:
    from gen.terminal import safe

    print(safe(line), file=sys.stderr, flush=True)


def _print_json(found: object) -> None:
    import orjson

    sys.stdout.write(orjson.dumps(found, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
