"""gen chat: talk to a model, or let it answer a file of prompts."""

import argparse
import sys
from typing import Any

from gen.commands.options import model_options
from gen.commands.show import count

DRAWN = ("temperature", "top_p", "top_k", "repetition_penalty", "max_tokens")


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

    system = system_text(arguments.system)
    told: dict[str, Any] = {"system": system, "device": arguments.device, "dtype": arguments.dtype}
    told |= {name: getattr(arguments, name) for name in DRAWN}
    return _talk(arguments, told) if arguments.prompts is None else _answer(arguments, told)


def _talk(arguments: argparse.Namespace, told: dict[str, Any]) -> int:
    from gen.chatting import Chat, typed
    from gen.talking import chat

    conversation = chat(arguments.model, seed=arguments.seed, **told)
    name, context = conversation.name, conversation.context
    if sys.stdin.isatty():
        print(f"{name}, {context:,} tokens of context; /help tells more", file=sys.stderr)
    return Chat(conversation, name, sys.stdout).run(typed())


def _answer(arguments: argparse.Namespace, told: dict[str, Any]) -> int:
    from gen.answering import answers

    files, seed, at_once = (arguments.prompts, arguments.out), arguments.seed or 0, arguments.max_batch
    done = answers(arguments.model, *files, seed=seed, max_batch=at_once, **told)
    earlier = f", {done.before:,} were answered before" if done.before else ""
    print(f"{done.answered:,} prompts answered{earlier}\n{done.out}")
    if done.failed:
        print(f"gen chat: {done.failed:,} could not be answered: {done.out}.failures.jsonl", file=sys.stderr)
    return 1 if done.failed else 0
