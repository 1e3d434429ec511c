"""How long a text is: its words by one rule for all scripts, and its tokens by a tokenizer that the user names."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dialogue.errors import UsageError
from dialogue.tongues import CJK

RULE = "words are runs between white space; Chinese and kana characters are one each"
Count = Callable[[Sequence[str]], list[int]]
"""The tokens of each text."""

_CHARACTER = re.compile(f"[{CJK}]")
_FILE = "tokenizer.json"


def size(text: str) -> int:
    """The words of a text by RULE; what stands beside such characters needs a letter or digit to be a word."""
    if text.isascii() or not _CHARACTER.search(text):
        return len(text.split())
    return sum(map(_size, text.split()))


def _size(run: str) -> int:
    characters = len(_CHARACTER.findall(run))
    if not characters:
        return 1
    return characters + sum(any(map(str.isalnum, rest)) for rest in _CHARACTER.split(run))


def tokenizer(name: str) -> tuple[str, Count]:
    """What counts tokens, and its name for the report: a model's folder, a tokenizer.json, or a tiktoken encoding.

    Special tokens are not added. Raises UsageError where there is none, or where it cannot be read.
    """
    path = Path(name)
    if path.is_dir() or path.suffix == ".json":
        file = path / _FILE if path.is_dir() else path
        if not file.is_file() and (path / "model" / _FILE).is_file():
            file = path / "model" / _FILE  # what `gen train` wrote holds its model in a folder of its own
        if not file.is_file():
            raise UsageError(f"--tokenizer {name}: no {file.name} there")
        return str(file), _by_file(file)
    return name, _by_tiktoken(name)


def _by_file(file: Path) -> Count:
    from tokenizers import Tokenizer  # of the extra `train`

    try:
        found = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises no narrower one
        raise UsageError(f"--tokenizer {file}: no tokenizer ({error})") from None
    found.no_padding()
    found.no_truncation()

    def count(texts: Sequence[str]) -> list[int]:
        return [len(one.ids) for one in found.encode_batch(list(texts), add_special_tokens=False)]

    return count


def _by_tiktoken(name: str) -> Count:
    import tiktoken

    if name not in tiktoken.list_encoding_names():
        known = ", ".join(tiktoken.list_encoding_names())
        raise UsageError(f"--tokenizer {name}: no such folder, and no encoding of tiktoken (there are: {known})")
    try:
        found = tiktoken.get_encoding(name)
    except Exception as error:  # whatever the network did: the vocabulary is a download
        raise UsageError(f"--tokenizer {name}: its vocabulary cannot be loaded ({error})") from None

    def count(texts: Sequence[str]) -> list[int]:
        return [len(found.encode_ordinary(text)) for text in texts]

    return count
