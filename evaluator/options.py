"""Multiple choice: an item's options in the order in which they are shown, and which of them are right."""

from typing import Any, NamedTuple

from dialogue.chance import rng
from evaluator.records import Item

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Options(NamedTuple):
    """What may be chosen."""

    texts: tuple[str, ...]
    right: frozenset[int]


def options(item: Item) -> Options | None:
    """The options of an MMLU or TruthfulQA row; None where the row is of neither kind.

    MMLU's stand as they are. TruthfulQA's best answer and its falsehoods are shuffled by the item's name: it is the
    published MC1.
    """
    row = item.row
    if "Incorrect Answers" in row and "Best Answer" in row:
        best, wrong = str(row["Best Answer"]).strip(), _split(row["Incorrect Answers"])
        shown = [best, *wrong]
        rng("options", item.cluster).shuffle(shown)
        return Options(tuple(shown), frozenset({shown.index(best)})) if wrong and len(shown) <= len(LETTERS) else None
    listed = row.get("choices")
    texts = tuple(map(str, listed)) if isinstance(listed, list) else tuple(str(row[k]) for k in "ABCD" if k in row)
    at = _place(row.get("answer"), len(texts))
    return Options(texts, frozenset({at})) if at is not None and 2 <= len(texts) <= len(LETTERS) else None


def true_and_false(item: Item) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """All true and all false answers of a TruthfulQA row, for its MC2; None for other rows."""
    row = item.row
    if "Correct Answers" not in row or "Incorrect Answers" not in row:
        return None
    best = str(row.get("Best Answer", "")).strip()
    true = tuple(dict.fromkeys([*([best] if best else []), *_split(row["Correct Answers"])]))
    return true, _split(row["Incorrect Answers"])


def _split(value: Any) -> tuple[str, ...]:
    return tuple(part.strip() for part in str(value).split(";") if part.strip())


def _place(value: Any, n: int) -> int | None:
    text = str(value).strip()
    at = int(text) if text.isdecimal() else LETTERS.find(text.upper()) if len(text) == 1 else -1
    return at if 0 <= at < n else None


def shown(item: Item, found: Options) -> str:
    """The question with its lettered options."""
    lines = [f"{letter}. {text}" for letter, text in zip(LETTERS, found.texts, strict=False)]
    head = f"{item.passage}\n\n" if item.passage else ""
    return "\n".join([f"{head}{item.turns[0]}", "", *lines])
