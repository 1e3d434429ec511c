"""A reply's text while its tokens come: whole characters only, and nothing of a stop text.

A token may end within a character, or within what may become a stop text; both are held back until it is known.
"""

from collections.abc import Sequence
from typing import Any

_TORN = "\ufffd"


class Text:
    """The text of one reply, token by token."""

    def __init__(self, tokenizer: Any, stops: Sequence[str] = (), lead: str = "") -> None:
        """`lead`: a space before the text that belongs to the template."""
        self._tokenizer = tokenizer
        self._lead = lead
        self._stops = [stop for stop in stops if stop]
        self._ids: list[int] = []
        self._begin = 0
        """Decoding starts here: a token or two before what is new, since some tokens depend on what stands before."""
        self._read = 0
        """Tokens whose text is in `_known`."""
        self._before = ""
        """Text of the tokens from `_begin` to `_read`."""
        self._known = ""
        self._sent = 0
        self.stopped = False
        """Whether a stop text came; what follows it is not part of the reply."""

    def add(self, token: int) -> str:
        """The text that has become certain with one more token."""
        self._ids.append(token)
        window = decode(self._tokenizer, self._ids[self._begin :])
        if len(window) > len(self._before) and not window.endswith(_TORN):
            self._take(window)
        return self._news(self._held())

    def end(self) -> str:
        """What was still held back, now that nothing follows."""
        if not self.stopped and self._read < len(self._ids):
            self._take(decode(self._tokenizer, self._ids[self._begin :]))
        return self._news(0)

    @property
    def whole(self) -> str:
        """All that `add` and `end` have given."""
        return self._known[: self._sent]

    def _take(self, window: str) -> None:
        searched = max(0, len(self._known) - max(map(len, self._stops), default=0))
        fresh = window[len(self._before) :]
        self._known += fresh if self._begin or self._read else fresh.removeprefix(self._lead)
        self._begin, self._read = self._read, len(self._ids)
        self._before = decode(self._tokenizer, self._ids[self._begin :])
        places = [place for stop in self._stops if (place := self._known.find(stop, searched)) >= 0]
        if places:
            self._known, self.stopped = self._known[: min(places)], True

    def _held(self) -> int:
        """Letters at the end that may become a stop text."""
        if self.stopped:
            return 0
        longest = max(map(len, self._stops), default=0)
        for length in range(min(longest - 1, len(self._known)), 0, -1):
            tail = self._known[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0

    def _news(self, held: int) -> str:
        upto = max(self._sent, len(self._known) - held)
        news, self._sent = self._known[self._sent : upto], upto
        return news


def decode(tokenizer: Any, ids: Sequence[int], lead: str = "") -> str:
    """The text of tokens, control tokens and a lead left out."""
    text: str = tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return text.removeprefix(lead)
