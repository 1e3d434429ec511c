"""How many tokens a text is: counted by tiktoken where its vocabulary is at hand, else estimated from bytes.

A vocabulary is a download of some megabytes, kept on disk by tiktoken. It is tried for models that tiktoken knows, in
a thread, once; a network that swallows packets costs two seconds and not a minute. Everything else is estimated by a
ratio of bytes to tokens that starts at a common value and is then learned from the usage that replies report.
"""

import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

LATIN_BYTES, CJK_BYTES = 4.0, 3.0
"""UTF-8 bytes a token, to begin with: four letters, or one Chinese, Japanese or Korean character."""
LEARN_FROM_TOKENS = 1000
"""Reported tokens before the learned ratio replaces the common one."""
LOAD_S = 2.0
REMEMBERED_TEXTS = 4096


class Counter:
    """Counts tokens for one model."""

    def __init__(self, model: str | None, encoding: "tiktoken.Encoding | None" = None) -> None:
        self._encoding = encoding or (vocabulary(model) if model else None)
        self._bytes = 0
        self._tokens = 0
        self.count = lru_cache(REMEMBERED_TEXTS)(self._count if self._encoding else self.estimate)
        """Tokens of a text; the texts of a dialogue come again with each of its requests."""

    @property
    def estimated(self) -> bool:
        """Whether counts are estimates."""
        return self._encoding is None

    def learn(self, size_bytes: int, tokens: int) -> None:
        """Take note that the endpoint counted so many tokens in so many bytes."""
        self._bytes += size_bytes
        self._tokens += tokens

    def tokens_in(self, size_bytes: int, first_guess: float = LATIN_BYTES) -> int:
        """Tokens in so many bytes, by the learned ratio."""
        if self._tokens >= LEARN_FROM_TOKENS:
            return round(size_bytes * self._tokens / self._bytes)
        return round(size_bytes / first_guess)

    def estimate(self, text: str) -> int:
        """Tokens of a text by its bytes, at least one for any text."""
        size_bytes = len(text.encode("utf-8", "replace"))
        guess = LATIN_BYTES if size_bytes < 2 * len(text) else CJK_BYTES
        return max(1, self.tokens_in(size_bytes, guess)) if text else 0

    def _count(self, text: str) -> int:
        assert self._encoding is not None
        return len(self._encoding.encode_ordinary(text))


def vocabulary(model: str) -> "tiktoken.Encoding | None":
    """The model's vocabulary; None for a model that tiktoken does not know, or where it cannot be loaded."""
    import tiktoken

    try:
        return _load(tiktoken.encoding_name_for_model(model))
    except KeyError:
        return None


@cache
def _load(name: str) -> "tiktoken.Encoding | None":
    import tiktoken

    found: list[tiktoken.Encoding] = []

    def load() -> None:
        try:
            found.append(tiktoken.get_encoding(name))
        except Exception:  # whatever the network did: there is an estimate for it
            return

    thread = threading.Thread(target=load, name="tiktoken", daemon=True)
    thread.start()
    thread.join(LOAD_S)
    return found[0] if found else None
