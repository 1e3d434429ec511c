"""`gen`: the commands. Nothing heavy is imported before a command is known."""

import argparse
import io
import os
import sys
import time
import traceback
from _thread import interrupt_main, start_new_thread
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from importlib import import_module
from typing import NoReturn

BUG = 70
"""Exit status of a bug of ours, as sysexits.h has it."""

COMMANDS = {
    "run": "make dialogues: openers, then user simulator and assistant, to JSONL; run again to resume",
    "plan": "what `gen run` with the same arguments would ask and cost; sends nothing",
    "show": "read dialogues of a run in the terminal",
    "filter": "keep what is clean, unique and no benchmark's; say why the rest was left out",
    "convert": "dialogues from any layout to any other; a sample, a split, a data card",
    "contamination": "which benchmark items leaked in, what a judge says of the doubtful ones, what was missed",
    "train": "teach a model, or one from scratch, with what was kept; run again to go on",
    "chat": "talk to a model in the terminal, or let it answer a file of prompts",
    "serve": "serve a model to OpenAI clients; `gen run --endpoint local:MODEL` does it by itself",
    "merge": "fold adapters into their base: one whole model",
    "evaluate": "score models by judges and checks, with intervals; run again to resume",
    "stats": "how much there is, how varied it is, and whether its users pass for people",
    "sectors": "the sectors, and their prompts rendered with an example",
}
"""Each is a module of the same name in gen/commands/ with `arguments(parser)` and `command(arguments) -> status`; one
with `instead(option) -> text or None` says what to write for an option that it has not."""


MOMENT_S = 0.05
WHOLE = ("plan", "show", "convert", "merge", "stats", "sectors")
"""Commands whose work is whole or nothing."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose complaint is one line that names the near ones."""

    def error(self, message: str) -> NoReturn:
        prefix = "unrecognized arguments: "
        if message.startswith(prefix):
            wrong = message.removeprefix(prefix).split()[0]
            known = [option for action in self._actions for option in action.option_strings]
            near = get_close_matches(wrong.split("=")[0], known, n=2)
            hint = self._instead(wrong) or (f"did you mean {' or '.join(near)}?" if near else "")
            message = f"{wrong}: no such option" + (f"; {hint}" if hint else "")
        print(f"{self.prog}: {message} (see {self.prog} --help)", file=sys.stderr)
        raise SystemExit(2)

    def _instead(self, option: str) -> str | None:
        """What the command itself knows of an option that it has not."""
        name = self.prog.removeprefix("gen ")
        known = getattr(import_module(f"gen.commands.{name}"), "instead", None) if name in COMMANDS else None
        return known(option) if known else None


def parser(name: str | None) -> Parser:
    """The parser of one command, or of `gen` itself, which knows the commands by name only."""
    if name is not None:
        own = Parser(prog=f"gen {name}", description=COMMANDS[name], allow_abbrev=False)
        import_module(f"gen.commands.{name}").arguments(own)
        return own
    lines = "\n".join(f"  {command:<15}{text}" for command, text in COMMANDS.items())
    whole = Parser(
        prog="gen",
        description="Synthetic multi-turn dialogues: make, look, clean, prove no benchmark leaked in, train, serve.",
        epilog=f"commands:\n{lines}\n\n`gen COMMAND --help` tells the rest. Exit status: 0 done; 1 finished, some\n"
        "items failed; 2 wrong usage or input; 3 the endpoint or a limit stopped the run, it can be resumed;\n"
        "70 a bug of ours; 130 interrupted, all finished work saved.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="gen COMMAND [options]",
        allow_abbrev=False,
    )
    whole.add_argument("--version", action="store_true", help="print the version and leave")
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit status."""
    argv = list(sys.argv[1:] if argv is None else argv)
    name = argv[0] if argv and not argv[0].startswith("-") else None
    if name is None:
        return _outer(argv)
    if name not in COMMANDS:
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(COMMANDS)}"
        print(f"gen: {name}: no such command; {hint}", file=sys.stderr)
        return 2
    from gen.ranks import leave, speaks

    try:
        with _interrupts_kept():
            status = _command(name, argv[1:])
    except KeyboardInterrupt:
        if speaks():
            kept = "" if name in WHOLE else ", finished work is kept"
            print(f"gen {name}: interrupted; run it again{kept}", file=sys.stderr)
        status = 130
    return leave(status)


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """An interrupt that arrives within a callback of the collector's, where Python would only print it, comes again."""
    before, at_work = sys.unraisablehook, [True]

    def again() -> None:
        time.sleep(MOMENT_S)  # raised at once it would be lost in the same callback
        if at_work:
            interrupt_main()

    def heard(trouble: "sys.UnraisableHookArgs") -> None:
        if trouble.exc_type is KeyboardInterrupt:
            start_new_thread(again, ())
        else:
            before(trouble)

    sys.unraisablehook = heard
    try:
        yield
    finally:
        at_work.clear()
        sys.unraisablehook = before


def _command(name: str, argv: Sequence[str]) -> int:
    from dialogue.errors import DuologueError, UsageError
    from gen.extras import extras_named
    from gen.ranks import speaks

    for text in argv:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            print(f"gen {name}: {os.fsencode(text)!r}: not UTF-8", file=sys.stderr)
            return 2
    for stream in (sys.stdout, sys.stderr):  # model text in any script must not fail on an old terminal
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    arguments = parser(name).parse_args(argv)
    try:
        with extras_named():
            status: int = import_module(f"gen.commands.{name}").command(arguments)
        sys.stdout.flush()
    except DuologueError as error:
        from gen.terminal import safe

        if speaks() or not isinstance(error, UsageError):  # what is wrong with a command is wrong in all its processes
            print(f"gen {name}: {safe(str(error))}", file=sys.stderr)  # ids and words of others stand in it
        return error.status
    except BrokenPipeError:  # the reader of a pipe left: nothing to complain about
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # the last boundary: what arrives here is a bug of ours, and must not look like a finished run
        traceback.print_exc()
        print(f"gen {name}: this is a bug in duologue; what was finished is saved", file=sys.stderr)
        return BUG
    return status


def _outer(argv: Sequence[str]) -> int:
    whole = parser(None)
    if whole.parse_args(argv).version:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"duologue {version('duologue')}")
        except PackageNotFoundError:
            print("duologue, from a checkout that is not installed")
        return 0
    whole.print_help(sys.stdout if argv else sys.stderr)
    return 0 if argv else 2


if __name__ == "__main__":
    raise SystemExit(main())
