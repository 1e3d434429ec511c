"""`gen chat`: a conversation in the terminal, or from a script through standard input."""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import orjson

from dialogue.ending import up_to
from dialogue.errors import UsageError
from dialogue.records import Dialogue, content_id, encode
from gen.terminal import safe
from trainer.serving.conversation import Conversation
from trainer.serving.engine import PromptTooLong
from trainer.serving.voice import BadMessages

if TYPE_CHECKING:
    from rich.markdown import Markdown

HELP = """/reset         begin anew
/system TEXT   set the system message and begin anew; without TEXT: none
/save FILE     append the conversation as it is now to FILE, as a line of JSONL
/raw           show replies letter by letter as they are written, or as Markdown again
/exit          leave (or Ctrl-D)
/help          this
Ctrl-C breaks a reply off; what came of it stays in the conversation."""
COMMANDS = ("reset", "system", "save", "raw", "exit", "help")


class Chat:
    """Lines in, replies out."""

    def __init__(self, conversation: Conversation, model: str, out: TextIO) -> None:
        self._conversation, self._model, self._out = conversation, model, out
        self._raw = False

    def run(self, lines: Iterator[str | None]) -> int:
        """Answer each line; returns 0 at the end, or 1 where something that was asked could not be done.

        None stands for a line that could not be read. A model of the user's side speaks first.
        """
        trouble = not self._begin()
        for line in lines:
            if line is None:
                trouble |= not _note("a line that is not UTF-8 is left out", False)
                continue
            text = line.strip()
            if text in ("/exit", "/quit"):
                break
            if text.startswith("/"):
                trouble |= not self._command(*text[1:].split(maxsplit=1))
            elif text:
                trouble |= not self._answer(line.rstrip("\r\n"))
        return 1 if trouble else 0

    def _begin(self) -> bool:
        """Let a model of the user's side say its first words; whether that could be done."""
        if self._conversation.speaker == "assistant":
            return True
        _note("this model was taught the user's side: it asks, and you answer as the assistant")
        return self._show(self._conversation.open())

    def _answer(self, text: str) -> bool:
        return self._show(self._conversation.ask(text))

    def _show(self, pieces: Iterator[str]) -> bool:
        conversation = self._conversation
        before = conversation.forgotten
        try:
            whole = show(pieces, self._out, raw=self._raw)
        except (PromptTooLong, BadMessages) as error:
            return _note(str(error), False)
        if not whole:
            _note("(broken off; what came stays in the conversation)")
        elif conversation.speaker == "user" and _ends(conversation.messages[-1].content):
            _note("(with that it ends the dialogue; /reset begins another)")
        if conversation.forgotten > before:
            _note(f"(the {conversation.forgotten} oldest messages no longer fit, and are not shown to the model)")
        return True

    def _command(self, name: str = "", rest: str = "") -> bool:
        conversation = self._conversation
        match name:
            case "reset":
                conversation.reset()
                _note("begun anew" + ("; the system message stays" if conversation.system else ""))
                return self._begin()
            case "system":
                conversation.system = rest or None
                conversation.reset()
                _note(f"begun anew, {'with this' if rest else 'without a'} system message")
                return self._begin()
            case "save":
                return self._save(rest)
            case "raw":
                self._raw = not self._raw
                return _note("replies are shown " + ("as they are written" if self._raw else "as Markdown"))
            case "help":
                return _note(HELP)
        near = get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean /{near[0]}?" if near else f"there are: {', '.join(f'/{one}' for one in COMMANDS)}"
        return _note(f"/{safe(name)}: no such command; {hint}", False)

    def _save(self, name: str) -> bool:
        messages = tuple(self._conversation.whole())
        if not name or not self._conversation.messages:
            return _note("/save: nothing was said yet" if name else "/save FILE: which file?", False)
        try:
            place = Path(name).expanduser()
            held = place.is_file() and place.stat().st_size
            joint = _joint(place) if held else b""
            if joint is None:
                return _note(f"/save {safe(name)}: holds something other than JSONL; choose another file", False)
            with place.open("ab") as file:
                by = {f"{self._conversation.speaker}_model": self._model}
                file.write(joint + encode(Dialogue(id=content_id(messages), messages=messages, **by)))
        except OSError as error:
            return _note(f"/save {safe(name)}: {error.strerror}", False)
        except (RuntimeError, ValueError) as error:  # a home of nobody, a path that is none
            return _note(f"/save {safe(name)}: {error}", False)
        return _note(f"{'appended' if held else 'saved'} to {safe(name)}")


def _ends(said: str) -> bool:
    """Whether a model of the user's side wants no more."""
    text, signal = up_to(said)
    return signal or not text


def _joint(place: Path) -> bytes | None:
    """What goes between the lines of a file and one more; None where they are no lines of JSON."""
    with place.open("rb") as file:
        first = file.readline().strip()
        file.seek(-1, os.SEEK_END)
        joint = b"" if file.read() == b"\n" else b"\n"
    try:
        return joint if not first or isinstance(orjson.loads(first), dict) else None
    except orjson.JSONDecodeError:
        return None


def show(pieces: Iterator[str], out: TextIO, *, raw: bool = False) -> bool:
    """Write a reply as it comes: Markdown on a terminal, else or `raw` its letters; nothing in it can steer a terminal.

    Ctrl-C breaks the reply off, not the conversation; whether it came to its end.
    """
    drawn, whole = out.isatty() and not raw, False
    with suppress(KeyboardInterrupt):
        if drawn:
            _drawn(pieces, out)
        else:
            for piece in pieces:
                out.write(safe(piece))
                out.flush()
        whole = True
    if not drawn:
        out.write("\n")
    out.flush()
    return whole


def _drawn(pieces: Iterator[str], out: TextIO) -> None:
    from rich.console import Console
    from rich.live import Live

    console, text = Console(file=out), ""
    try:
        with Live(console=console, transient=True, refresh_per_second=10) as live:
            for piece in pieces:
                text += safe(piece)
                live.update(_markdown(text))
    finally:  # as a whole, since a live view ends at the screen's edge
        console.print(_markdown(text))


def _markdown(text: str) -> "Markdown":
    """Markdown whose line breaks are all seen: models write poems, lists and tables of contents line by line."""
    from rich.markdown import Markdown

    made = Markdown(text, hyperlinks=False)
    for token in made.parsed:
        for child in token.children or ():
            if child.type == "softbreak":
                child.type = "hardbreak"
    return made


def typed() -> Iterator[str | None]:
    """Lines of a person, with the editing of the terminal, or of a script; None for one that is not UTF-8."""
    if not sys.stdin.isatty():
        yield from map(_read, getattr(sys.stdin, "buffer", sys.stdin))
        return
    with suppress(ImportError):  # not to be had on Windows
        import readline  # noqa: F401
    while True:
        try:
            yield _read(input("> "))
        except UnicodeDecodeError:
            yield None
        except EOFError:
            return
        except KeyboardInterrupt:
            print(file=sys.stderr)
            return


def _read(line: str | bytes) -> str | None:
    with suppress(UnicodeError):
        text = line if isinstance(line, str) else line.decode("utf-8")
        text.encode("utf-8")  # what an old terminal could not decode comes as surrogates
        return text
    return None


def system_text(text: str | None) -> str | None:
    """The system message of a flag: as typed, or from a file where it begins with @."""
    if text is None or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"--system {text}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"--system {text}: not UTF-8") from None


def _note(text: str, well: bool = True) -> bool:
    print(text, file=sys.stderr, flush=True)
    return well
