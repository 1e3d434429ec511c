"""The elements of one JSON array, one by one: a file of 5 GB needs the memory of its largest element."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path

CHUNK_BYTES = 1 << 20
MOST_CHARACTERS = 1 << 28
"""Of one text; one that does not end by then lacks its closing quote."""
_LONGEST_TOKEN = 16
_SPACE = " \t\r\n"
_BEHIND = ",]" + _SPACE
_NUMBER = "-0123456789"
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
"""It only finds where an element ends; what is in it is read by whoever takes it."""


def elements(path: Path) -> Iterator[tuple[bytes, str | None]]:
    """The bytes of each element, and the trouble that ends the reading: an array that breaks has nothing behind it."""
    buffer = _Buffer(path)
    try:
        buffer.skip(1)  # the bracket
        while buffer.peek() not in ("]", ""):
            found = buffer.element()
            if isinstance(found, str):
                yield buffer.rest(), found
                return
            yield found, None
            if buffer.peek() == ",":
                buffer.skip(1)
            elif buffer.peek() not in ("]", ""):
                yield buffer.rest(), "expected a comma between two elements of the array; nothing behind it is read"
                return
        if buffer.peek() == "":
            yield b"", "the array does not end: the file was cut off"
            return
        buffer.skip(1)
        if buffer.peek() != "":
            yield buffer.rest(), "something stands behind the array; it is not read"
    finally:
        buffer.close()


class _Buffer:
    """Text of the file from the place that was reached on; bytes that are no UTF-8 stay as they are."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
        self._text = ""
        self._at = 0
        self._ended = False

    def close(self) -> None:
        self._file.close()

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        data = self._file.read(max(size, CHUNK_BYTES))
        self._ended = not data
        self._text = self._text[self._at :] + self._decode(data, self._ended)
        self._at = 0
        return not self._ended

    def peek(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._more(0):
                return ""

    def skip(self, count: int) -> None:
        """Pass over so many characters behind any space."""
        self.peek()
        self._at += count

    def element(self) -> bytes | str:
        """The next element; or what is wrong with it."""
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._at)
                if self._ended or not self._may_go_on(end):
                    found = self._text[self._at : end].encode("utf-8", "surrogateescape")
                    self._at = end
                    return found
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, RecursionError) or self._ended or self._broken(error):
                    return f"not JSON ({str(error).partition(':')[0]}); nothing behind it is read"
            self._more(len(self._text) - self._at)

    def _may_go_on(self, end: int) -> bool:
        """Whether an element that seems to end there is a number, of which more may stand in what was not read yet."""
        ends = end < len(self._text) and self._text[end] in _BEHIND
        return not ends and (end == len(self._text) or self._text[self._at] in _NUMBER)

    def _broken(self, error: json.JSONDecodeError) -> bool:
        """Whether more text would not mend it: the trouble is not at the end of what was read."""
        if error.msg.startswith("Unterminated string"):  # its place is where the string begins
            return len(self._text) - self._at > MOST_CHARACTERS
        return error.pos < len(self._text) - _LONGEST_TOKEN

    def rest(self) -> bytes:
        """Some of what was not read, for a person."""
        return self._text[self._at : self._at + 1000].encode("utf-8", "surrogateescape")
