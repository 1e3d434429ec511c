"""What a turn note and an opener's spec ask for, told by the wording of the templates that they were rendered from.

Nothing tells builtin what is wanted but the prompts themselves. So each language's note is rendered once with signs in
the places of its variables, and what stands around the signs is what is looked for in real notes.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from generator.builtin.languages import LANGUAGES
from generator.builtin.marks import QUOTED, Mark, around, end_of
from prompts.loader import Prompts
from prompts.names import columns
from prompts.names import words as worded

RANGE = re.compile(r"(\d{1,4}) ?(?:-|–|—|~|～|至|到) ?(\d{1,4})")
SENTINEL = re.compile(r"⟦[^⟦⟧\s]{1,40}⟧")
BETWEEN = re.compile('[/、,，“”"「」]+')
SIGN = "\x1a"
PLAIN: dict[str, Any] = {
    "act": "",
    "form": "",
    "low": 4,
    "high": 9,
    "release": None,
    "value": None,
    "reminder": "",
    "opening": None,
    "avoid": (),
    "thanks": False,
    "language": "",
    "foreign": False,
    "may_end": False,
    "sentinel": "",
    "again": None,
}


class Foreign(ValueError):
    """A request for a language that builtin does not write."""


class Wanted(NamedTuple):
    """What one message shall be."""

    language: str
    act: str = "deepen"
    form: str = "statement"
    low: int = 6
    high: int = 15
    fact: str | None = None
    opening: str | None = None
    avoid: tuple[str, ...] = ()
    thanks: bool = False
    again: bool = False
    sentinel: str | None = None
    told: tuple[str, ...] = ()
    """What an opener tells, and nothing besides."""
    task: str | None = None
    """What an opener asks to be worked out or looked up."""


class Guide(NamedTuple):
    """What the assistant is told beside a dialogue of some sectors, and the phrases for it."""

    text: str
    language: str
    lists: str
    """What the lists of the grammar are called that hold them."""


class Wording:
    """How the prompts of one language say what they want."""

    def __init__(self, prompts: Prompts, language: str) -> None:
        self.language = language
        words = prompts.data(f"languages/{language}/words.toml")
        own = {column: worded(prompts, language, column) for column in columns(prompts, language)}
        self._note = f"languages/{language}/note.j2"
        self._prompts = prompts
        self._acts, details = _acts([words["acts"], *(table["acts"] for table in own.values())])
        self._start = self._render(act=SIGN).partition(SIGN)[0]
        self._act = re.compile("|".join(re.escape(text) for text in sorted(self._acts, key=len, reverse=True)))
        self._details = frozenset(details)
        self._forms = _by_phrase([words["forms"]])
        self._release = self._mark(release=SIGN)
        self._opening = self._mark(opening=SIGN)
        self._avoid = self._mark(avoid=(SIGN, SIGN))
        self._again = self._mark(again=SIGN)
        self._thanks = self._piece(thanks=True).strip()
        known = prompts.data("languages/names.toml")["languages"][language]
        self.guides = [
            Guide(text.format(language=name), language, f"sector.{column}.{kind}")
            for column, table in own.items()
            for kind, text in table["guide"].items()
            for name in (known["name"], known["own"])
        ]
        """What the assistant may be told beside a dialogue."""
        before, _, after = self._render(language=SIGN).partition(SIGN)
        before, after = re.split("[.。\n]", before)[-1].lstrip(), after[:1]
        self._named = {f"{before}{name}{after}" for name in (known["name"], known["own"])}
        opener = words["opener"]
        self._begins = around(opener["begins"], "{word}", "")
        self._mentions = around(opener["mentions"], "{facts}", str(opener["join"]).strip())
        self._tells = around(opener["tells"], "{facts}", str(opener["join"]).strip())
        self._asks = Mark(str(opener["asks"]).partition("{task}")[0], "")
        self._join = str(opener["join_facts"])
        tables = [words, *own.values()]
        self._opener_forms = _by_phrase([table["opener"]["forms"] for table in tables])

    def note(self, text: str) -> Wanted | None:
        """What the note asks for; None where it is not a note in this wording. Raises Foreign."""
        act = self._act.match(text, len(self._start)) if text.startswith(self._start) else None
        if act is None:
            return None
        if not any(named in text for named in self._named):
            raise Foreign(f"builtin writes {' and '.join(LANGUAGES)} only; the turn note asks for another language")
        form = next((phrase for phrase in self._forms if phrase in text), "")
        fact = self._release.find(text)
        if fact is None and act[0] in self._details:
            fact = text[act.end() : text.find(form, act.end())].strip(" ,，、:：")
        low, high = _range(text[text.find(form) :])
        avoid = self._avoid.find(text)
        opening = self._opening.find(text) if avoid is None else None
        sentinel = SENTINEL.search(text)
        return Wanted(
            self.language,
            self._acts[act[0]],
            self._forms.get(form, "statement"),
            low,
            high,
            fact or None,
            opening.strip(QUOTED) if opening else None,
            tuple(filter(None, BETWEEN.split(avoid))) if avoid else (),
            bool(self._thanks) and self._thanks in text,
            self._again.find(text) is not None,
            sentinel[0] if sentinel else None,
        )

    def spec(self, line: str) -> Wanted:
        """What the line of an opener's spec asks for."""
        low, high = _range(line)
        form = next((name for phrase, name in self._opener_forms.items() if phrase in line), "question")
        begins, facts, tells = self._begins.find(line), self._mentions.find(line), self._tells.find(line)
        opening = begins.strip(QUOTED) if begins else None
        told = tuple(tells.split(self._join)) if tells else ()
        task, fact = self._asks.find(line), facts or None
        return Wanted(self.language, "deepen", form, low, high, fact, opening, told=told, task=task)

    def _render(self, **changed: object) -> str:
        return self._prompts.render(self._note, **(PLAIN | changed))

    def _piece(self, **changed: object) -> str:
        """What the change adds to a note."""
        with_it, without = self._render(**changed), self._render()
        size = len(with_it) - len(without)
        start = next(
            (place for place, pair in enumerate(zip(with_it, without, strict=False)) if len(set(pair)) > 1),
            len(without),
        )
        # What follows may begin like the piece itself: take in what it lost at its start.
        while start > 0 and with_it[start - 1] == with_it[start - 1 + size] and with_it[start - 1] not in ".。 \n":
            start -= 1
        return with_it[start : start + size]

    def _mark(self, **changed: object) -> Mark:
        piece = self._piece(**changed)
        before, after = piece.partition(SIGN)[0], piece.rpartition(SIGN)[2]
        return Mark(before.lstrip(), end_of(after))


def _acts(tables: Sequence[Mapping[str, list[str]]]) -> tuple[dict[str, str], list[str]]:
    """Act by the wording of its clause, up to a detail; and the wordings that a detail follows."""
    acts, details = {}, []
    for name, texts in (row for table in tables for row in table.items()):
        for text in texts:
            start = str(text).partition("{detail}")[0]
            acts[start] = "own_case" if name == "own_case" else name.partition("_")[0]
            if start != text:
                details.append(start)
    return acts, details


def _by_phrase(tables: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Name by phrase, long phrases first: "a question" is part of "no question mark"."""
    pairs = ((text, name) for phrases in tables for name, text in phrases.items())
    return dict(sorted(pairs, key=lambda pair: -len(pair[0])))


def _range(text: str) -> tuple[int, int]:
    found = RANGE.search(text)
    low, high = (int(found[1]), int(found[2])) if found else (6, 20)
    return (low, high) if 0 < low <= high else (6, 20)


@cache
def wordings() -> tuple[Wording, ...]:
    """The wording of each language that builtin writes and that has prompts."""
    prompts = Prompts()
    return tuple(
        Wording(prompts, language) for language in LANGUAGES if prompts.path(f"languages/{language}/words.toml")
    )
