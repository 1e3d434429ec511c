"""gen chat: talk to a model, or let it answer a file of prompts."""

import argparse
import sys
from pathlib import Path
from typing import Any

from gen.commands.options import model_options
from gen.commands.show import count


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    model_options(parser)
    how = parser.add_argument_group("how it answers (default: as its generation_config.json says)")
    how.add_argument("--system", metavar="TEXT", help="system message, or @FILE")
    how.add_argument("--temperature", metavar="T", help="0 takes the likeliest token")
    how.add_argument("--top-p", metavar="P", help="draw from the likeliest tokens that make up this share")
    how.add_argument("--top-k", metavar="K", help="draw from so many tokens; 0: all")
    how.add_argument("--repetition-penalty", metavar="R", help="above 1: less of what was said")
    how.add_argument("--max-tokens", metavar="N", help="longest reply")
    how.add_argument("--seed", metavar="I", type=int, help="the same seed, the same replies (default: by chance)")
    batch = parser.add_argument_group("instead of a conversation")
    batch.add_argument(
        "--prompts", metavar="FILE", help="answer these: JSONL with `messages`, `prompt` or `turns`, or plain lines"
    )
    batch.add_argument(
        "--out",
        metavar="FILE",
        help="where the answers go, as JSONL in the prompts' order; beside it FILE.json, what was asked, and "
        "FILE.failures.jsonl, what could not be answered; run again to go on",
    )
    batch.add_argument("--max-batch", metavar="N", type=count, default=64, help="replies at a time (default: 64)")


def command(arguments: argparse.Namespace) -> int:
    """Talk, or answer the file; status 1 where something could not be answered."""
    from dialogue.errors import UsageError

    if (arguments.prompts is None) != (arguments.out is None):
        raise UsageError("--prompts and --out go together: one names the questions, the other where answers go")
    from gen.chatting import system_text
    from trainer.serving.loading import opened

    changed, system = _changed(arguments), system_text(arguments.system)
    asked = _prompts(arguments, system)
    loaded = opened(arguments.model, device=arguments.device, dtype=arguments.dtype, max_batch=arguments.max_batch)
    sampling = loaded.sampling.model_copy(update=changed)
    if asked is not None and loaded.voice.speaker == "user":
        raise UsageError(
            f"--prompts {arguments.prompts}: {loaded.name} was taught the user's side (train_on = user) and answers "
            "nothing; talk to it without --prompts, or let it play the user: gen run --trained-user "
            f"local:{arguments.model}"
        )
    if asked is not None:
        return _answer(arguments, asked, loaded, sampling, system)
    from gen.chatting import Chat, typed
    from trainer.serving.conversation import Conversation

    conversation = Conversation(loaded, sampling, system=system, seed=arguments.seed)
    if sys.stdin.isatty():
        print(f"{loaded.name}, {loaded.engine.context:,} tokens of context; /help tells more", file=sys.stderr)
    return Chat(conversation, loaded.name, sys.stdout).run(typed())


def _prompts(arguments: argparse.Namespace, system: str | None) -> Any:
    """The prompts of the file, read before a model is loaded for them; None where a person talks."""
    if arguments.prompts is None:
        return None
    from gen.prompt_files import read_prompts

    return list(read_prompts(Path(arguments.prompts), system))


def _answer(arguments: argparse.Namespace, asked: Any, loaded: Any, sampling: Any, system: str | None) -> int:
    from gen.answering import answer_file

    out, seed = Path(arguments.out), arguments.seed or 0
    done = answer_file(loaded, arguments.model, asked, out, sampling, system=system, seed=seed)
    earlier = f", {done.before:,} were answered before" if done.before else ""
    print(f"{done.answered:,} prompts answered{earlier}\n{done.out}")
    if done.failed:
        print(f"gen chat: {done.failed:,} could not be answered: {done.out}.failures.jsonl", file=sys.stderr)
    return 1 if done.failed else 0


def _changed(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that flags change, checked as a request's would be."""
    from pydantic import ValidationError

    from dialogue.errors import UsageError
    from dialogue.records import one_line
    from trainer.serving.sampling import Sampling

    names = ("temperature", "top_p", "top_k", "repetition_penalty", "max_tokens")
    given = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    try:
        read = Sampling.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"--{one_line(error).replace('_', '-', 1)}") from None
    return {name: getattr(read, name) for name in given}
