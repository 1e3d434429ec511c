"""Words of many texts at once, as one run of bytes: exactly those of `dialogue.likeness.words`.

A code point's lower form, and whether that belongs to a word, stands alone, or separates, is looked up in a table that
is made by asking `words` itself. Two letters are left to Python's own lower(): U+0130, whose lower form is two
characters, and U+03A3, whose lower form depends on its place in the word.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.likeness import words
from filters.kernels.jit import inlined, jit

U = np.uint64

_DOTTED_I, _SIGMA = "\u0130", "\u03a3"
_SPACE = 0x20
_SEPARATES, _JOINS, _ALONE = 0, 1, 2
_COMMON, _ALL = 0x20000, 0x110000
"""Size of the first table, which holds all but rare Han and is made in 70 ms, and of the full one, 450 ms."""


class Tokens(NamedTuple):
    """The words of some texts, in order."""

    data: NDArray[np.uint8]
    """Lower-cased UTF-8 of all words, each followed by one space: n words in a row are one slice."""
    starts: NDArray[np.int64]
    """(words,) a word's first byte in `data`."""
    ends: NDArray[np.int64]
    """(words,) one past its last byte; the next word starts one further."""
    first: NDArray[np.int64]
    """(texts + 1,) the words of text i are first[i]:first[i + 1]."""
    chars: NDArray[np.int32]
    """(words,) where the word begins in its text, in code points; empty unless asked for."""


def tokens(texts: Sequence[str], chars: bool = False) -> Tokens:
    """The texts' words; with `chars`, where each begins. Takes about 5 bytes for a byte of text."""
    source, limits = _encoded(texts)
    found = _tokens(source, limits, _COMMON, chars)
    if found is None:
        found = _tokens(source, limits, _ALL, chars)
    assert found is not None
    if chars:
        _mend(texts, found)
    return found


def _encoded(texts: Sequence[str]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """The texts in UTF-8, text i at limits[i]:limits[i + 1]."""
    encoded = [_lowered(text).encode("utf-8", "surrogatepass") for text in texts]
    limits = np.zeros(len(encoded) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, encoded), np.int64, len(encoded)), out=limits[1:])
    return np.frombuffer(bytearray().join(encoded), np.uint8), limits


def _tokens(source: NDArray[np.uint8], limits: NDArray[np.int64], size: int, chars: bool) -> Tokens | None:
    # A character that is a word alone has 3 bytes or more, so a text of b bytes has at most (b + 1) / 2 words; it gives
    # at most 1.6 b + 1 bytes: `Ⱥ字` is 5 and gives 8. Room that is not written to takes no memory.
    texts = len(limits) - 1
    most = (len(source) + texts) // 2 + 1
    data = np.empty(len(source) * 8 // 5 + texts + 1, np.uint8)
    ends = np.empty(most, np.int64)
    begins = np.empty(most, np.int32) if chars else None
    first = np.zeros(texts + 1, np.int64)
    ascii_table, table = _tables(size)
    if not _split(source, limits, ascii_table, table, data, ends, begins, first):
        return None
    ends = ends[: first[-1]]
    starts = np.zeros(len(ends), np.int64)
    np.add(ends[:-1], 1, out=starts[1:])
    used = ends[-1] + 1 if len(ends) else 0
    places = np.empty(0, np.int32) if begins is None else begins[: len(ends)]
    return Tokens(data[:used], starts, ends, first, places)


def _lowered(text: str) -> str:
    return text.lower() if not text.isascii() and (_DOTTED_I in text or _SIGMA in text) else text


def _mend(texts: Sequence[str], found: Tokens) -> None:
    """Count each U+0130, which became two characters, as one again."""
    for number, text in enumerate(texts):
        if _DOTTED_I in text:
            begins = found.chars[found.first[number] : found.first[number + 1]]
            second = np.array([match.start() + nth for nth, match in enumerate(re.finditer(_DOTTED_I, text), 1)])
            begins -= np.searchsorted(second, begins, side="right").astype(np.int32)


@cache
def _tables(size: int) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """(128,) lower form of an ASCII character of a word, else a space; (size,) lower form * 4 + what it does."""
    codes = np.arange(size, dtype=np.uint32)
    codes[[ord(_DOTTED_I), ord(_SIGMA)]] = 0  # never met: their texts come lowered
    lower = _codes(_text(codes).lower())
    # A character twice, between spaces, is one word of two, two words of one, or none.
    twice = np.full((size, 3), _SPACE, np.uint32)
    twice[:, :2] = codes[:, None]
    found = words(_text(twice))
    does = np.zeros(_ALL, np.uint32)
    does[_codes("".join(found))] = _ALONE
    does[_codes("".join([word for word in found if len(word) == 2]))] = _JOINS
    table = (lower << 2 | does[lower]).astype(np.uint32)
    return np.where(does[lower[:128]] == _JOINS, lower[:128], _SPACE).astype(np.uint8), table


def _text(codes: NDArray[np.uint32]) -> str:
    return codes.tobytes().decode("utf-32", "surrogatepass")


def _codes(text: str) -> NDArray[np.uint32]:
    return np.array(memoryview(text.encode("utf-32", "surrogatepass")).cast("I")[1:])


@inlined
def _put(data: NDArray[np.uint8], at: U, code: U) -> U:
    """Write the code point in UTF-8; where the next one goes."""
    if code < 0x80:
        data[at] = code
        return at + U(1)
    if code < 0x800:
        data[at] = U(0xC0) | code >> U(6)
        data[at + U(1)] = U(0x80) | code & U(0x3F)
        return at + U(2)
    if code < 0x10000:
        data[at] = U(0xE0) | code >> U(12)
        data[at + U(1)] = U(0x80) | code >> U(6) & U(0x3F)
        data[at + U(2)] = U(0x80) | code & U(0x3F)
        return at + U(3)
    data[at] = U(0xF0) | code >> U(18)
    data[at + U(1)] = U(0x80) | code >> U(12) & U(0x3F)
    data[at + U(2)] = U(0x80) | code >> U(6) & U(0x3F)
    data[at + U(3)] = U(0x80) | code & U(0x3F)
    return at + U(4)


@inlined
def _code(source: NDArray[np.uint8], at: U) -> tuple[U, U]:
    """The code point, of two bytes or more, that starts here, and how many bytes it is."""
    lead, second = U(source[at]), U(source[at + U(1)]) & U(0x3F)
    if lead < 0xE0:
        return (lead & U(0x1F)) << U(6) | second, U(2)
    third = U(source[at + U(2)]) & U(0x3F)
    if lead < 0xF0:
        return (lead & U(0x0F)) << U(12) | second << U(6) | third, U(3)
    fourth = U(source[at + U(3)]) & U(0x3F)
    return (lead & U(0x07)) << U(18) | second << U(12) | third << U(6) | fourth, U(4)


@jit
def _split(
    source: NDArray[np.uint8],
    limits: NDArray[np.int64],
    ascii_table: NDArray[np.uint8],
    table: NDArray[np.uint32],
    data: NDArray[np.uint8],
    ends: NDArray[np.int64],
    begins: NDArray[np.int32] | None,
    first: NDArray[np.int64],
) -> bool:
    """Fill `data`, `ends`, `begins` and `first`; False where the table lacks a code point of the texts."""
    known = U(len(table))
    put, word = U(0), U(0)  # unsigned, or each access would first ask whether the index counts from the end
    for text in range(len(limits) - 1):
        at, stop = U(limits[text]), U(limits[text + 1])
        zero, begin, inside = at, at, U(0)  # character c of the text is at byte zero + c, if c is in ASCII
        while at < stop:
            if source[at] < 0x80:
                # No branch: whether a character ends a word cannot be foretold, and a wrong guess costs 15 cycles.
                lower = ascii_table[source[at]]
                joins = U(lower != _SPACE)
                data[put] = lower
                ends[word] = put
                if begins is not None:
                    begin = begin if inside else at - zero
                    begins[word] = begin
                put += joins | inside
                word += inside & ~joins
                inside = joins
                at += U(1)
                continue
            code, size = _code(source, at)
            if code >= known:
                return False
            entry = U(table[code])
            does, lower = entry & U(3), entry >> U(2)
            if inside and does != _JOINS:
                data[put] = _SPACE
                ends[word] = put
                put, word, inside = put + U(1), word + U(1), U(0)
            if does != _SEPARATES:
                if begins is not None:
                    begin = begin if inside else at - zero
                    begins[word] = begin
                put = _put(data, put, lower)
                inside = U(1)
            if does == _ALONE:
                data[put] = _SPACE
                ends[word] = put
                put, word, inside = put + U(1), word + U(1), U(0)
            at += size
            zero += size - U(1)
        if inside:
            data[put] = _SPACE
            ends[word] = put
            put, word = put + U(1), word + U(1)
        first[text + 1] = word
    return True
