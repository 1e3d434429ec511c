"""The phrase banks of one language: a small grammar, read from a TOML file beside this one.

An entry is text with slots: `{place}` is filled from the bank of that name, and so are the slots inside what fills it;
a name that the caller gives (`t`, the topic) is filled by the caller's word. `{Place}` capitalises what comes out.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import compile as pattern
from typing import Any

from generator.builtin.pieces import WORD, han_pieces
from generator.builtin.stream import Stream

HOME = Path(__file__).parent

SLOT = pattern(r"\{(\w+)\}")

WIDE = "\u2e80"
"""From this character on, one character is one word."""

Entry = tuple[str, ...]
"""Text and slots in turn; the slots stand at odd places. Bank names are kept with their first letter lowered."""


def words_of(text: str) -> int:
    """Length in words; each Chinese character is one."""
    if text.isascii():
        return text.count(" ") + 1
    return wide_characters(text) or text.count(" ") + 1


def wide_characters(text: str) -> int:
    """About how many characters are Chinese or the like: those have three bytes in UTF-8, all others fewer."""
    return (len(text.encode("utf-8", "surrogatepass")) - len(text)) // 2


@dataclass(frozen=True, slots=True)
class Frames:
    """Sentences of one kind, the shortest first, so that those that fit a length are a prefix."""

    entries: tuple[Entry, ...]
    fitting: tuple[int, ...]
    """How many entries have at most so many words, by number of words."""

    def within(self, words: int) -> int:
        """How many entries fit into so many words; at least two, so that there is something to say."""
        return max(min(2, len(self.entries)), self.fitting[max(0, min(words, len(self.fitting) - 1))])


class Grammar:
    """All banks of a language."""

    def __init__(self, tables: Mapping[str, Any]) -> None:
        lists = dict(_lists(tables, ""))
        self._banks: dict[str, tuple[Entry, ...]] = {
            name.removeprefix("bank."): entries for name, entries in lists.items() if name.startswith("bank.")
        }
        self._named = lists
        slots = {slot for entries in lists.values() for entry in entries for slot in entry[1::2]}
        self._slots = {slot: (slot[0].lower() + slot[1:], slot[0].isupper()) for slot in slots}
        self._frames: dict[str, Frames] = {}
        self._beginning: dict[str, dict[str, tuple[Entry, ...]]] = {}
        self.joint = "" if tables.get("wide") else " "
        """What stands between two sentences."""
        self.stop = _stop_words(tables, lists, self._banks)
        """Words that are nobody's topic."""
        self.own_words = self.stop.union(
            *(_pieces(entry, self.joint) for bank in self._banks.values() for entry in bank)
        )
        """Those, and all that the banks bring into a sentence themselves."""
        self.classes = {word: kind for kind, words in tables.get("classes", {}).items() for word in str(words).split()}
        """How a sentence goes on after a word: the list to take, by the word."""
        self.objects: dict[str, str] = dict(tables.get("objects", {}))
        """What stands between an order's verb and its object."""
        self._person: dict[str, str] = dict(tables.get("person", {}))
        self.small_talk: dict[str, str] = dict(tables.get("small_talk", {}))
        """What is said in passing, and what is answered."""
        self._named = lists | {f"user.chat.{form}": lines for form, lines in _passing(self.small_talk)}
        self.memory: dict[str, Mapping[str, str]] = dict(tables.get("memory", {}))
        """What people tell of themselves and ask for again: frames by name, see the head of the table."""
        self._turned: dict[str, str] = dict(tables.get("turned", {}))
        self.comma, self.stop_mark = (",", ".") if self.joint else ("，", "。")

    def frames(self, name: str) -> Frames:
        """The sentences of a list, "opener.question" or "user.doubt.question", in order of length."""
        found = self._frames.get(name)
        if found is None:
            sized = sorted((self._words(entry), entry) for entry in self._named[name])
            longest = max(size for size, _ in sized)
            fitting = tuple(sum(size <= words for size, _ in sized) for words in range(longest + 1))
            found = self._frames[name] = Frames(tuple(entry for _, entry in sized), fitting)
        return found

    def say(self, entry: Entry, given: Mapping[str, str], stream: Stream) -> str:
        """The entry with its slots filled."""
        if len(entry) == 1:
            return entry[0]
        parts = list(entry)
        for place in range(1, len(parts), 2):
            name, capitalised = self._slots[parts[place]]
            text = given.get(name)
            if text is None:
                bank = self._banks[name]
                chosen = bank[stream.below(len(bank))]
                text = chosen[0] if len(chosen) == 1 else self.say(chosen, given, stream)
            parts[place] = capital(text) if capitalised else text
        return "".join(parts)

    def one(self, name: str, given: Mapping[str, str], stream: Stream) -> str:
        """A phrase from the list of this full name."""
        return self.say(stream.pick(self._named[name]), given, stream)

    def own(self, fact: str) -> str:
        """A fact of the card as the person would say it."""
        first, _, rest = fact.partition(" ")
        return f"{self._person[first]} {rest}" if first in self._person else fact

    def turned(self, clause: str) -> str:
        """A clause of a note as the person it speaks to would say it: "where you live" as "where I live"."""
        if self.joint:
            return " ".join(self._turned.get(word, word) for word in clause.split(" "))
        for word, other in self._turned.items():
            clause = clause.replace(word, other)
        return clause

    def has(self, name: str) -> bool:
        """Whether there is a list of this full name."""
        return name in self._named

    def names(self, start: str) -> list[str]:
        """The full names of all lists that begin so."""
        return [name for name in self._named if name.startswith(start)]

    def beginning(self, name: str, word: str) -> tuple[Entry, ...]:
        """The entries of the list that begin with the word."""
        found = self._beginning.get(name)
        if found is None:
            found = self._beginning[name] = {}
            for entry in self._named[name]:
                first = entry[0].partition(" ")[0].strip(",.:?").lower()
                found[first] = (*found.get(first, ()), entry)
        return found.get(word.lower(), ())

    def fitting(self, name: str, words: int, stream: Stream) -> Entry:
        """An entry of the list that makes about so many words at most."""
        frames = self.frames(name)
        return frames.entries[stream.below(frames.within(words))]

    def joined(self, lead: str, text: str) -> str:
        """Words of setting before a sentence."""
        return f"{lead}{self.joint}{text}" if lead else text

    def entries(self, name: str) -> tuple[Entry, ...]:
        """The list of this full name."""
        return self._named[name]

    def _words(self, entry: Entry) -> int:
        """About how many words the entry makes; a slot counts as its bank's middle entry."""
        total = 0
        for place, part in enumerate(entry):
            if place % 2 == 0:
                total += words_of(part.strip()) if part.strip(" .,?!。，？！") else 0
            else:
                bank = self._banks.get(part[0].lower() + part[1:])
                total += self._words(bank[len(bank) // 2]) if bank else 1 if self.joint else 3
        return total


VAGUE_BANKS = ("verb", "adj", "link", "many", "item", "task")


def _stop_words(
    tables: Mapping[str, Any], lists: Mapping[str, tuple[Entry, ...]], banks: Mapping[str, tuple[Entry, ...]]
) -> frozenset[str]:
    """The language's stop words, what the sentences are made of, and the banks whose words say nothing of a topic."""
    joint = "" if tables.get("wide") else " "
    spoken = [
        entry for name, entries in lists.items() if not name.startswith(("bank.", "sector.")) for entry in entries
    ]
    vague = [entry for name in VAGUE_BANKS for entry in banks.get(name, ())]
    return frozenset(str(tables["stopwords"]).split()).union(*(_pieces(entry, joint) for entry in spoken + vague))


def _passing(small_talk: Mapping[str, str]) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    """What is said in passing by form; its words are nobody's stop words, since tea and music are topics as well."""
    asked = tuple((line,) for line in small_talk if line.endswith(("?", "？")))
    said = tuple((line,) for line in small_talk if not line.endswith(("?", "？")))
    yield from (("question", asked), ("statement", said), ("imperative", said))


def _pieces(entry: Entry, joint: str) -> list[str]:
    text = " ".join(entry).lower()
    return WORD.findall(text) if joint else han_pieces(text)


def capital(text: str) -> str:
    """The text with its first letter capitalised."""
    return text[:1].upper() + text[1:]


def _lists(table: Mapping[str, Any], above: str) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _lists(value, f"{above}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield above + name, tuple(tuple(SLOT.split(str(text))) for text in value)


@cache
def grammar(language: str) -> Grammar:
    """The grammar of a language that has a file here."""
    return Grammar(tomllib.loads((HOME / f"{language}.toml").read_text(encoding="utf-8")))
