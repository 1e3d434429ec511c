"""`gen chat`: a conversation in the terminal, or from a script through standard input."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from dialogue.errors import UsageError
from dialogue.records import Dialogue, content_id, encode
from gen.text import safe
from trainer.serving.conversation import Conversation
from trainer.serving.engine import PromptTooLong
from trainer.serving.voice import BadMessages

HELP = """/reset         begin anew
/system TEXT   set the system message and begin anew; without TEXT: none
/save FILE     append the conversation to FILE, as JSONL
/exit          leave (or Ctrl-D)
/help          this"""


class Chat:
    """Lines in, replies out."""

    def __init__(self, conversation: Conversation, model: str, out: TextIO) -> None:
        self._conversation, self._model, self._out = conversation, model, out

    def run(self, lines: Iterator[str]) -> int:
        """Answer each line; returns 0 at the end, or 1 where something that was asked could not be done."""
        trouble = False
        for line in lines:
            text = line.strip()
            if text in ("/exit", "/quit"):
                break
            if text.startswith("/"):
                trouble |= not self._command(*text[1:].split(maxsplit=1))
            elif text:
                trouble |= not self._answer(line.rstrip("\r\n"))
        return 1 if trouble else 0

    def _answer(self, text: str) -> bool:
        conversation = self._conversation
        before = conversation.forgotten
        try:
            show(conversation.ask(text), self._out)
        except (PromptTooLong, BadMessages) as error:
            return _note(str(error), False)
        if conversation.forgotten > before:
            _note(f"(the {conversation.forgotten} oldest messages no longer fit, and are not shown to the model)")
        return True

    def _command(self, name: str = "", rest: str = "") -> bool:
        conversation = self._conversation
        match name:
            case "reset":
                conversation.reset()
            case "system":
                conversation.system = rest or None
                conversation.reset()
            case "save":
                return self._save(rest)
            case "help":
                _note(HELP)
            case _:
                return _note(f"/{safe(name)}: no such command\n{HELP}", False)
        return True

    def _save(self, name: str) -> bool:
        messages = tuple(self._conversation.whole())
        if not name or not self._conversation.messages:
            return _note("/save: nothing was said yet" if name else "/save FILE: which file?", False)
        try:
            with Path(name).expanduser().open("ab") as file:
                file.write(encode(Dialogue(id=content_id(messages), messages=messages, assistant_model=self._model)))
        except OSError as error:
            return _note(f"/save {name}: {error.strerror}", False)
        return _note(f"saved to {name}")


def show(pieces: Iterator[str], out: TextIO) -> None:
    """Write a reply as it comes: Markdown on a terminal, plain text elsewhere; nothing in it can steer a terminal.

    Ctrl-C breaks the reply off, not the conversation.
    """
    with suppress(KeyboardInterrupt):
        if out.isatty():
            _drawn(pieces, out)
        else:
            for piece in pieces:
                out.write(safe(piece))
                out.flush()
    if not out.isatty():
        out.write("\n")
    out.flush()


def _drawn(pieces: Iterator[str], out: TextIO) -> None:
    from rich.console import Console
    from rich.live import Live
    from rich.markdown import Markdown

    console, text = Console(file=out), ""
    try:
        with Live(console=console, transient=True, refresh_per_second=10) as live:
            for piece in pieces:
                text += safe(piece)
                live.update(Markdown(text, hyperlinks=False))
    finally:  # as a whole, since a live view ends at the screen's edge
        console.print(Markdown(text, hyperlinks=False))


def typed() -> Iterator[str]:
    """Lines of a person, with the editing of the terminal, or of a script."""
    if not sys.stdin.isatty():
        yield from sys.stdin
        return
    with suppress(ImportError):  # not to be had on Windows
        import readline  # noqa: F401
    while True:
        try:
            yield input("> ")
        except EOFError:
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            return


def system_text(text: str | None) -> str | None:
    """The system message of a flag: as typed, or from a file where it begins with @."""
    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--system {text}: {error}") from None


def _note(text: str, well: bool = True) -> bool:
    print(text, file=sys.stderr, flush=True)
    return well
