"""What is in a file of knowledge: rows of questions and answers, triples, passages, or a document in parts.

A source has room for so many tokens; what is longer becomes several, and nothing of it is lost.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from dialogue.conversion.rows import SUFFIXES, rows
from dialogue.errors import UsageError
from prompts.cutting import LETTERS, cut, tokens
from prompts.documents import sections
from prompts.materials import Piece, head, name_of, text_at
from prompts.triples import Triple, Triples, lines

QUESTIONS = ("question", "q", "instruction", "prompt", "问题", "問題")
ANSWERS = ("answer", "a", "output", "response", "completion", "答案", "回答")
HEADS, RELATIONS, TAILS = (
    ("head", "subject", "entity"),
    ("relation", "predicate", "property"),
    ("tail", "object", "value"),
)
TEXTS = ("text", "passage", "content", "document", "body")

MOST_TOKENS = 500
"""The room for a source, as prompts/cutting.py counts: three of them stand in each request to the assistant."""
TITLE_TOKENS = 125
"""Of that for a title, which stands above each part."""
ID_CHARACTERS = 120
OTHERS = {
    **dict.fromkeys((".html", ".htm"), "a web page; write its text to a .md or .txt file, with # before headings"),
    **dict.fromkeys((".xlsx", ".xls", ".ods", ".numbers"), "a workbook; export its sheet as CSV, in UTF-8"),
    **dict.fromkeys((".pdf", ".doc", ".docx", ".odt", ".rtf"), "no plain text; save it as .txt or .md, in UTF-8"),
}
"""What is no plain text, by its suffix."""

Found = Iterator[tuple[int, Piece]]


def pieces(path: Path) -> Found:
    """Line and source, in the order of the file. Raises UsageError, with path and line, for what is no source."""
    if other := OTHERS.get(path.suffix.lower()):
        raise UsageError(f"{path}: {other}")
    found = _told(_rows(path)) if path.suffix.lower() in SUFFIXES else _document(path)
    empty = path.stat().st_size == 0
    if not empty:
        first = next(found, None)
        empty = first is None
        yield from () if first is None else chain([first], found)
    if empty:
        raise UsageError(f"{path}: empty, expected questions with answers, triples, or texts")


def _told(found: Found) -> Found:
    """The same, with the mend where a table was saved in another encoding."""
    try:
        yield from found
    except UsageError as error:
        mend = "; save it as UTF-8" if "not UTF-8" in str(error) else ""
        raise UsageError(f"{error}{mend}") from None


def _rows(path: Path) -> Found:
    """Sources of rows; triples come last, when all of one head are known."""
    triples = Triples()
    for row in rows(path):
        try:
            fields = {str(name).strip().lower(): value for name, value in row.fields.items()}
            if fields and all(value in (None, "") for value in fields.values()):
                continue  # a spreadsheet's last lines
            asked = _first(fields, QUESTIONS) and _first(fields, ANSWERS)
            if not asked and all(_first(fields, names) for names in (HEADS, RELATIONS, TAILS)):
                triples.add(_triple(row.number, fields))
                continue
            found = list(_of_row(path, row.number, fields))
        except ValueError as error:
            raise UsageError(f"{row.place}: {error}") from None
        yield from ((row.number, piece) for piece in found)
    for group in triples.groups():
        yield from ((group[0].line, piece) for piece in _of_head(path, group))


def _of_row(path: Path, line: int, fields: Mapping[str, Any]) -> Iterator[Piece]:
    """The source, or the sources, in a row that is no triple. Raises ValueError."""
    given = fields.get("id")
    id = _written(name_of(given)) if given not in (None, "") else _named(path.stem, str(line))
    asked, answered, told = (_first(fields, names) for names in (QUESTIONS, ANSWERS, TEXTS))
    title: str | None
    if asked and answered:
        title, parts = _of_answer(fields, asked, answered)
    elif told:
        title = text_at("title", fields["title"]).strip() if fields.get("title") else None
        parts = _parts(text_at(told, fields[told]), title)
    elif (one := _named_in(fields, QUESTIONS)) and (other := _named_in(fields, ANSWERS)):
        raise ValueError(f"{other if asked else one}: empty")
    else:
        names = ", ".join(map(str, fields)) or "nothing"
        raise ValueError(
            f"no source: expected question and answer, or head, relation and tail, or text (found {names[:120]})"
        )
    if not parts:
        raise ValueError(f"{answered or told}: no word in it")
    language = _language(fields)
    for number, part in enumerate(parts, 1):
        named = id if len(parts) == 1 else f"{id}#{number}"
        yield Piece(id=named, text=part, title=head(title or part), language=language)


def _of_answer(fields: Mapping[str, Any], asked: str, answered: str) -> tuple[str, list[str]]:
    """The question, and the answer under it; a long question is no title but stands before the answer."""
    question, answer = (text_at(key, fields[key]).strip() for key in (asked, answered))
    if asked == "instruction" and isinstance(more := fields.get("input"), str) and more.strip():
        question = f"{question}\n{more.strip()}"  # Alpaca's
    if not any(map(str.isalnum, question)):
        raise ValueError(f"{asked}: no word in it")
    if tokens(question) <= TITLE_TOKENS:
        return question, _parts(answer, question)
    return question, _parts(f"{question}\n\n{answer}", None) if any(map(str.isalnum, answer)) else []


def _triple(line: int, fields: Mapping[str, Any]) -> Triple:
    """Raises ValueError where a part of it has no words."""
    said = []
    for names in (HEADS, RELATIONS, TAILS):
        key = _first(fields, names)
        assert key is not None
        value = fields[key]
        text = str(value) if isinstance(value, int | float) else text_at(key, value)
        said.append(" ".join(text.split()))
        if not said[-1]:
            raise ValueError(f"{key}: empty")
    return Triple(line, said[0], _language(fields), said[1], said[2])


def _of_head(path: Path, group: list[Triple]) -> Iterator[Piece]:
    """All that is told of one head, a line for each relation, which is said again in each part that goes on with it."""
    subject, language = group[0].head, group[0].language
    above = cut(subject, TITLE_TOKENS)
    room = MOST_TOKENS - tokens(above) - 1
    found = [line for relation, values in lines(group).items() for line in _relation(relation, values, room)]
    for number, block in enumerate(_packed(found, room, "\n"), 1):
        id = _named(path.stem, subject) + (f":{language}" if language else "") + (f"#{number}" if number > 1 else "")
        yield Piece(id=id, text=f"{above}\n{block}", title=head(subject), language=language)


def _relation(relation: str, values: list[str], room: int) -> Iterator[str]:
    """Lines of a relation with as many values as there is room for."""
    label = f"- {cut(relation, TITLE_TOKENS)}: "
    parts = [piece for value in values for piece in _split(value, room - tokens(label) - 1)]
    yield from (label + line for line in _packed(parts, room - tokens(label) - 1, ", ", every=True))


def _document(path: Path) -> Found:
    """The parts of a document, each under its headings."""
    number = 0
    for line, title, text in sections(path):
        for part in _parts(text, title):
            number += 1
            yield line, Piece(id=_named(f"{path.stem}#{number}"), text=part, title=head(title or part))


def _parts(text: str, title: str | None) -> list[str]:
    """A text in parts of the room there is, each under its title, cut between paragraphs or at ends of sentences."""
    above = f"{cut(title, TITLE_TOKENS)}\n" if title else ""
    return [above + part for part in _packed(re.split(r"\n\s*\n", text.strip()), MOST_TOKENS - tokens(above), "\n\n")]


def _packed(parts: list[str], room: int, joint: str, every: bool = False) -> list[str]:
    """The parts put together as far as the room goes, those that are too long for it taken apart; with `every`, marks
    alone stay as well."""
    found: list[str] = []
    for part in parts:
        for piece in _split(part.strip(), room):
            if not every and not any(map(str.isalnum, piece)):
                continue
            if found and tokens(found[-1] + joint + piece) <= room:
                found[-1] += joint + piece
            else:
                found.append(piece)
    return found


def _split(text: str, room: int) -> Iterator[str]:
    """The text in pieces that fit; a piece is looked for in what could fit at most, or long texts took a square."""
    start, window = 0, (room + 1) * LETTERS
    while start < len(text):
        piece = cut(text[start : start + window], room) or text[start : start + 1]
        yield piece.rstrip()
        start += len(piece)
        while start < len(text) and text[start].isspace():
            start += 1


def _language(fields: Mapping[str, Any]) -> str | None:
    return name_of(fields["language"]) if fields.get("language") else None


def _first(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if fields.get(name) not in (None, "")), None)


def _named_in(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in fields), None)


def _written(id: str) -> str:
    """A row's own id. Raises ValueError where it could not be named in square brackets."""
    if len(id) > ID_CHARACTERS or set(id) & set("[]\n\r"):
        raise ValueError(f"id: {id[:40]!r}: expected at most {ID_CHARACTERS} characters, no brackets and no line break")
    return id


def _named(*parts: str) -> str:
    """An id made of names, which can be written in square brackets."""
    text = " ".join(":".join(parts).split()).replace("[", "(").replace("]", ")")
    return text[:ID_CHARACTERS]
