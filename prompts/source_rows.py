"""What is in a file of knowledge: rows of questions and answers, triples, passages, or a document in parts."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dialogue.conversion.rows import SUFFIXES, rows
from dialogue.errors import UsageError
from prompts.cutting import cut, tokens
from prompts.materials import Piece, head, name_of, text_at

QUESTIONS = ("question", "q", "instruction", "prompt")
ANSWERS = ("answer", "a", "output", "response", "completion")
HEADS, RELATIONS, TAILS = (
    ("head", "subject", "entity"),
    ("relation", "predicate", "property"),
    ("tail", "object", "value"),
)
TEXTS = ("text", "passage", "content", "document", "body")

MOST_TOKENS = 500
"""The room for a source, as prompts/cutting.py counts: three of them stand in each request to the assistant."""

_HEADING = re.compile(r"#{1,6}\s+(.+?)\s*#*")

Found = Iterator[tuple[int, Piece]]


def pieces(path: Path) -> Found:
    """Line and source, in the order of the file. Raises UsageError, with path and line, for what is no source."""
    if path.suffix.lower() not in SUFFIXES:
        found = _document(path)
    else:
        found = _rows(path)
    empty = True
    for line, piece in found:
        empty = False
        yield line, piece
    if empty:
        raise UsageError(f"{path}: empty, expected questions with answers, triples, or texts")


def _rows(path: Path) -> Found:
    """Sources of rows; triples come last, when all of one head are known."""
    triples: dict[tuple[str, str | None], tuple[int, dict[str, list[str]]]] = {}
    for row in rows(path):
        try:
            fields = row.fields
            keys = [_first(fields, names) for names in (HEADS, RELATIONS, TAILS)]
            if all(keys):
                subject, relation, value = (text_at(key, fields[key]).strip() for key in keys if key)
                language = name_of(fields["language"]) if fields.get("language") else None
                group = triples.setdefault((subject, language), (row.number, {}))[1]
                group.setdefault(relation, []).append(value)
                continue
            found = list(_of_row(path, row.number, fields))
        except ValueError as error:
            raise UsageError(f"{row.place}: {error}") from None
        yield from ((row.number, piece) for piece in found)
    for (subject, language), (line, relations) in triples.items():
        yield from ((line, piece) for piece in _of_triples(path, subject, language, relations))


def _of_row(path: Path, line: int, fields: Mapping[str, Any]) -> Iterator[Piece]:
    """The source, or the sources, in a row that is no triple. Raises ValueError."""
    id = name_of(fields["id"]) if fields.get("id") is not None else f"{path.stem}:{line}"
    language = name_of(fields["language"]) if fields.get("language") else None
    asked, answered, told = (_first(fields, names) for names in (QUESTIONS, ANSWERS, TEXTS))
    if asked and answered:
        question, answer = (text_at(key, fields[key]).strip() for key in (asked, answered))
        text = f"{question}\n{answer}"
        cut_from = tokens(text) if tokens(text) > MOST_TOKENS else None
        yield Piece(id=id, text=cut(text, MOST_TOKENS), title=head(question), language=language, cut_from=cut_from)
    elif told:
        title = text_at("title", fields["title"]).strip() if fields.get("title") else None
        parts = _parts(text_at(told, fields[told]), title)
        if not parts:
            raise ValueError(f"{told}: no word in it")
        for number, part in enumerate(parts, 1):
            named = id if len(parts) == 1 else f"{id}#{number}"
            yield Piece(id=named, text=part, title=head(title or part), language=language)
    else:
        names = ", ".join(map(str, fields)) or "nothing"
        raise ValueError(
            f"no source: expected question and answer, or head, relation and tail, or text (found {names[:120]})"
        )


def _of_triples(path: Path, subject: str, language: str | None, relations: Mapping[str, list[str]]) -> Iterator[Piece]:
    """All that is told of one head, a line for each relation."""
    lines = [f"- {relation}: {', '.join(dict.fromkeys(values))}" for relation, values in relations.items()]
    for number, block in enumerate(_packed(lines, MOST_TOKENS - tokens(subject) - 1, "\n"), 1):
        id = f"{path.stem}:{subject}" + (f":{language}" if language else "") + (f"#{number}" if number > 1 else "")
        yield Piece(id=id, text=f"{subject}\n{block}", title=head(subject), language=language)


def _document(path: Path) -> Found:
    """The parts of a document: a heading begins a new one and is its title, paragraphs fill it."""
    number = 0
    for line, title, text in _sections(path):
        for part in _parts(text, title):
            number += 1
            yield line, Piece(id=f"{path.stem}#{number}", text=part, title=head(title or part))


def _sections(path: Path) -> Iterator[tuple[int, str | None, str]]:
    """First line, heading and text of each section that has any."""
    title: str | None = None
    first, held = 1, list[str]()
    for line, block in _blocks(path):
        if heading := _HEADING.fullmatch(block.partition("\n")[0]):
            yield first, title, "\n\n".join(held)
            title, first, held = heading[1], line, []
            block = block.partition("\n")[2]
        held.append(block)
    yield first, title, "\n\n".join(held)


def _blocks(path: Path) -> Iterator[tuple[int, str]]:
    """First line and text of each run of lines that are not blank; a heading begins one of its own."""
    first, held = 0, list[str]()
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                line = line.rstrip("\n")
                if held and (not line.strip() or _HEADING.fullmatch(line)):
                    yield first, "\n".join(held)
                    held = []
                if line.strip():
                    first = first if held else number
                    held.append(line)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 ({error.reason}); a document is plain text or Markdown") from None
    if held:
        yield first, "\n".join(held)


def _parts(text: str, title: str | None) -> list[str]:
    """A text in parts of the room there is, each under its title, cut between paragraphs or at ends of sentences."""
    above = f"{cut(title, MOST_TOKENS // 4)}\n" if title else ""
    room = MOST_TOKENS - tokens(above)
    return [above + part for part in _packed(re.split(r"\n\s*\n", text.strip()), room, "\n\n")]


def _packed(parts: list[str], room: int, joint: str) -> list[str]:
    """The parts put together as far as the room goes, those that are too long for it taken apart."""
    found: list[str] = []
    for part in parts:
        for piece in _split(part.strip(), max(1, room)):
            if not any(map(str.isalnum, piece)):
                continue
            if found and tokens(found[-1] + joint + piece) <= room:
                found[-1] += joint + piece
            else:
                found.append(piece)
    return found


def _split(text: str, room: int) -> Iterator[str]:
    while text:
        piece = cut(text, room) or text[:room]
        yield piece
        text = text[len(piece) :].lstrip()


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if fields.get(name) not in (None, "")), None)
