"""Repetition within an answer: lines, paragraphs, sentences and word n-grams that stand there more than once.

The measures are those of MassiveText's repetition filters (Rae et al. 2021, arXiv:2112.11446, Table A1), which were
made for web pages; taken as they are they drop every fourth dialogue of UltraChat. So here short answers are exempt,
fenced code and tables are left out, and the limits are where answers that loop part from lists, tables in prose and
songs with a refrain. The paper has no measure for a sentence that is said twice, the commonest fault of small models.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pydantic import JsonValue

from dialogue.likeness import words
from dialogue.records import Dialogue
from dialogue.tongues import word_count
from filters.engine.base import Limits, Measure, Verdict
from filters.engine.messages import CLIPPED, evidence

if TYPE_CHECKING:
    from filters.kernels.repeats import Repeats

LEAST_WORDS = 50
"""Words below which n-grams, lines and paragraphs are not measured; that of the paper's quality filter."""
SENTENCE_WORDS = 8
"""Words of a sentence that may not be said twice; "Repeat three times." may."""
LABEL = 20
"""Characters below which a line is a label: "**Pros:**", "[Chorus]"."""
LEAST_TIMES = 4
"""How often an n-gram stands in a text before it counts as its most frequent one."""
LONGEST = 1_000_000
"""Characters of an answer that are read, those at its end: a loop goes on to the end."""

_TOP = {f"top_{n}_gram": n for n in (2, 3, 4)}
_DUPLICATE = {f"duplicate_{n}_grams": n for n in (5, 6, 7, 8, 9, 10)}
_BATCH = 256
"""Dialogues whose n-grams are counted at once: one by one the call takes ten times as long as the counting."""
_CODE = re.compile(r"^[ \t]*(```|~~~).*?(?:^[ \t]*\1|\Z)", re.DOTALL | re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\|.*$", re.MULTILINE)
_ENDS = re.compile(r"(?<=[.!?])[\"'”’)\]*_]{0,4}\s+|(?<=[。！？])")
_ITEM = re.compile(r"(?:[-*•+>#]|\(?\w{1,3}[.):、])[ \t*]")
_ITEMS = re.compile(rf"^[ \t]*{_ITEM.pattern}", re.MULTILINE)
_DIGITS = re.compile(r"(\d)\1{3,}")
_STOP_BYTES = bytes(i if chr(i) not in ".!?\n" else 0 for i in range(256))
_FULL_STOPS = tuple(mark.encode() for mark in "。！？")


class Repetition(Limits):
    """How much of an answer stands there already, each measure in the worst answer of the dialogue.

    Shares are of the lines, the paragraphs, or the letters of the words (UTF-8 bytes), 0 to 1. Left out are fenced code
    and tables, a list's numbers, and, of n-grams, the words with which an item begins as the one before it does. Of
    answers of fewer than 50 words only sentences are measured, of answers beyond a million characters the last million.
    A reason is a measure's name: `repeated_sentences`, `duplicate_lines` ...
    """

    whole: ClassVar[frozenset[str]] = frozenset({"repeated_sentences", "repeated_item_sentences", "digit_run"})

    most_repeated_sentences: float | None = 0
    """Sentences of 8 words and more that the answer has already said, outside lists; lines that stand again, which may
    be verse, are not counted. One is enough: 0.1 % of real dialogues, 0.1 % of GPT-4's answers, 2.5 % of
    Qwen1.5-1.8B's."""
    most_repeated_item_sentences: float | None = 1
    """The same with those in lists, whose items may share one: 0.1 % of good models' answers, 4 % of Qwen1.5-1.8B's."""
    most_duplicate_lines: float | None = 0.6
    """Share of the lines that stand further up, lines of fewer than 20 characters aside. The paper has 0.30; songs
    reach 0.48."""
    most_duplicate_line_characters: float | None = 0.5
    """Share of the characters in such lines. The paper has 0.20; songs reach 0.37."""
    most_duplicate_paragraphs: float | None = 0.5
    """Share of the paragraphs that stand further up, labels aside. The paper has 0.30; songs reach 0.38."""
    most_duplicate_paragraph_characters: float | None = 0.5
    """Share of the characters in such paragraphs. The paper has 0.20; songs reach 0.37."""
    most_top_2_gram: float | None = 0.5
    """Share of the characters in the most frequent 2-gram, if it stands there four times. The paper has 0.20."""
    most_top_3_gram: float | None = 0.5
    """The same for 3-grams; the paper has 0.18."""
    most_top_4_gram: float | None = 0.5
    """The same for 4-grams; the paper has 0.16."""
    most_duplicate_5_grams: float | None = 0.55
    """Share of the characters in 5-grams that stand further up. The paper has 0.15; a patent's claims reach 0.45."""
    most_duplicate_6_grams: float | None = 0.53
    """The same for 6-grams; the paper has 0.14."""
    most_duplicate_7_grams: float | None = 0.51
    """The same for 7-grams; the paper has 0.13."""
    most_duplicate_8_grams: float | None = 0.49
    """The same for 8-grams; the paper has 0.12."""
    most_duplicate_9_grams: float | None = 0.47
    """The same for 9-grams; the paper has 0.11."""
    most_duplicate_10_grams: float | None = 0.45
    """The same for 10-grams; the paper has 0.10; songs and lists of alike questions reach 0.37."""
    most_digit_run: float | None = None
    """How often one digit stands in a row, in any turn. Vicuna's cleaning (`--reduce-rep`) drops from 9 on, so 8;
    its authors warn of good data, and a billion has nine zeros: no limit."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """Each measure of the answer in which it is largest; none where the dialogue has no answer."""
        return next(self._measured([dialogue]))

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts with their measures, many dialogues at once."""
        for begin in range(0, len(dialogues), _BATCH):
            batch = dialogues[begin : begin + _BATCH]
            for dialogue, measures in zip(batch, self._measured(batch), strict=True):
                values = {name: measure.value for name, measure in measures.items()}
                yield Verdict(self._outcome(dialogue, measures), values)

    def _measured(self, dialogues: Sequence[Dialogue]) -> Iterator[Mapping[str, Measure]]:
        answers = [[(i, m.content) for i, m in enumerate(d.messages) if m.role == "assistant"] for d in dialogues]
        measured = iter(shares([text for found in answers for _, text in found]))
        for dialogue, found in zip(dialogues, answers, strict=True):
            worst: dict[str, tuple[float, int]] = {}
            for index, _ in found:
                _add(worst, next(measured), index)
            if self.most_digit_run is not None:
                for index, message in enumerate(dialogue.messages):
                    _add(worst, {"digit_run": _digit_run(message.content)}, index)
            yield {
                name: Measure(value, self._evidence(name, value, index, dialogue))
                for name, (value, index) in worst.items()
            }

    def _evidence(self, name: str, value: float, index: int, dialogue: Dialogue) -> dict[str, JsonValue]:
        most = self.limits(name)[1] if value else None
        if most is None or value <= most:
            return {}
        text = dialogue.messages[index].content
        again = _again(name, text)
        return evidence(index, text, max(0, text.rfind(again)), again=again[:CLIPPED])


def _add(worst: dict[str, tuple[float, int]], found: Mapping[str, float], index: int) -> None:
    for name, value in found.items():
        if name not in worst or value > worst[name][0]:
            worst[name] = (value, index)


def shares(texts: Sequence[str]) -> Iterator[dict[str, float]]:
    """The measures of each answer; those that need 50 words only where it has them."""
    plain = list(map(_plain, texts))
    long = [number for number, text in enumerate(plain) if len(text) >= LEAST_WORDS]
    counted = _repeats([_without_leads(plain[number]) for number in long])
    rows = {number: row for row, number in enumerate(long) if counted.words[row] >= LEAST_WORDS}
    for number, text in enumerate(plain):
        found = _sentence_counts(text)
        if number in rows:
            row = rows[number]
            for name, split in (("line", "\n"), ("paragraph", "\n\n")):
                found[f"duplicate_{name}s"], found[f"duplicate_{name}_characters"] = _duplicates(text, split)
            times, top, again = counted.times[row].tolist(), counted.top[row].tolist(), counted.again[row].tolist()
            found |= {name: top[n] if times[n] >= LEAST_TIMES else 0.0 for name, n in _TOP.items()}
            found |= {name: again[n] for name, n in _DUPLICATE.items()}
        yield found


def _repeats(texts: Sequence[str]) -> "Repeats":
    from filters.kernels.repeats import repeats  # numba, 0.7 s

    return repeats(texts)


def _digit_run(text: str) -> float:
    return float(max((len(run[0]) for run in _DIGITS.finditer(text)), default=0))


def _plain(text: str) -> str:
    """The end of the text, without fenced code and tables."""
    text = text[-LONGEST:].strip()
    if "```" in text or "~~~" in text:
        text = _CODE.sub("", text)
    return _TABLE.sub("", text) if "|" in text else text


def _without_leads(text: str) -> str:
    """The text, each item of a list without the words that it begins with as the item before does, unless all are."""
    if text.count("\n") < 2 or len(_ITEMS.findall(text)) < 3:
        return text
    lines, before = [], ""
    for line in text.split("\n"):
        item = _item(line.strip())
        said = item.split(" ")
        lead = takewhile(lambda pair: pair[0] == pair[1], zip(said, before.split(" "), strict=False))
        lines.append(" ".join(said[len(list(lead)) :]) if item and item != before else line)
        before = item or before
    return "\n".join(lines)


def _item(line: str) -> str:
    """A list item's text without its mark or number; empty for other lines."""
    mark = _ITEM.match(line)
    return line[mark.end() :].lstrip(" \t*") if mark else ""


def _sentence_counts(text: str) -> dict[str, float]:
    again = _repeated(text) if _may_repeat(text) else []
    prose = sum(not sentence.item for sentence in again)
    return {"repeated_sentences": float(prose), "repeated_item_sentences": float(len(again))}


def _may_repeat(text: str) -> bool:
    """Whether anything between two marks stands there twice: a look that nearly every answer ends with."""
    data = text.encode("utf-8", "surrogatepass").translate(_STOP_BYTES)
    if not text.isascii():
        for mark in _FULL_STOPS:
            data = data.replace(mark, b"\0")
    parts = [part.strip() for part in data.split(b"\0") if len(part) > SENTENCE_WORDS]
    return len(set(parts)) < len(parts)


class _Sentence(NamedTuple):
    text: str
    item: bool
    """Whether it stands in a list."""
    alone: bool
    """Whether it is all of its line, as in verse."""


def _sentences(text: str) -> Iterator[_Sentence]:
    for line in text.split("\n"):
        item = _item(line.strip())
        parts = [part for part in map(str.strip, _ENDS.split(item or line)) if part]
        yield from (_Sentence(part, bool(item), len(parts) == 1) for part in parts)


def _repeated(text: str) -> list[_Sentence]:
    """The sentences that were said before, each time that they are said again; verse may say a line again."""
    said: dict[str, _Sentence] = {}
    again = []
    for sentence in _sentences(text):
        before = said.setdefault(sentence.text, sentence)
        if before is sentence or (before.alone and sentence.alone) or len(sentence.text) <= SENTENCE_WORDS:
            continue
        if word_count(sentence.text) >= SENTENCE_WORDS:
            again.append(sentence)
    return again


def _parts(text: str, split: str) -> list[str]:
    """Lines, without a list's marks and numbers, or paragraphs."""
    parts = [part for part in map(str.strip, text.split(split)) if part]
    return [_item(part) or part for part in parts] if split == "\n" else parts


def _duplicates(text: str, split: str) -> tuple[float, float]:
    """The shares of parts, and of their characters, that stand further up."""
    parts = _parts(text, split)
    if len(set(parts)) == len(parts):
        return 0.0, 0.0
    again = [(part, times - 1) for part, times in Counter(parts).items() if times > 1 and len(part) >= LABEL]
    characters = sum(len(part) * times for part, times in again)
    return sum(times for _, times in again) / len(parts), characters / sum(map(len, parts))


def _again(name: str, text: str) -> str:
    """What stands in the text again, the longest of it, for a drop's evidence."""
    if name == "digit_run":
        return max((run[0] for run in _DIGITS.finditer(text)), key=len)
    plain = _plain(text)
    if name.startswith("repeated"):
        return max((sentence.text for sentence in _repeated(plain)), key=len)
    if name.startswith(("duplicate_line", "duplicate_paragraph")):
        parts = _parts(plain, "\n" if "line" in name else "\n\n")
        return max((part for part, times in Counter(parts).items() if times > 1), key=len)
    n = int(re.sub(r"\D", "", name))
    plain = _without_leads(plain)
    counted = _repeats([plain])
    at = int((counted.top_at if name.startswith("top") else counted.again_at)[0, n])
    return " ".join(words(plain)[at : at + n])
