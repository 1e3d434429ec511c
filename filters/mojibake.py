"""Mojibake: text that was decoded with the wrong table, and characters that nobody types.

Wrong decoding is told by ftfy's `badness`, which counts pairs of characters that no language has. In 15,500 texts of 40
languages it finds none; what it finds in real dialogues ("LondonÂ St Pancras", "fiancÃ©") is what it looks for.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal

from ftfy import TextFixerConfig, fix_text
from ftfy.badness import BADNESS_RE, MOJIBAKE_CATEGORIES, badness

from dialogue.records import Dialogue, Message
from filters.engine.base import Drop, Limits, Measure, Verdict
from filters.engine.messages import evidence

_KINDS = {
    "replacement": re.compile("\ufffd"),
    "control": re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]"),
    "private_use": re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]"),
    "zero_width": re.compile("[\u200b\u2060-\u2064\ufeff]"),
}
_CONTROLS = bytes([*range(9), 11, *range(14, 32), 127])
_LEADS = (b"\xef", b"\xe2\x80\x8b", b"\xe2\x81", b"\xee", b"\xf3", b"\xf4")
"""With what the characters of `_KINDS` begin in UTF-8, C0 and DEL aside."""
_PLAIN = "’“”–—‘…•·°\u00a0"
"""Marks that with ASCII alone make no mojibake."""
_SUSPECT = re.compile(f"[{''.join(MOJIBAKE_CATEGORIES.values())}]")
_PAIR = re.compile("[^\x00-\x7f]{2}|[\x80-\x9fŒœÃÂ]")
"""What every expression of ftfy's needs: two characters beyond ASCII side by side, or one of a few that stand alone."""
_CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]+`)", re.DOTALL)
_MENDING = TextFixerConfig(
    unescape_html=False,
    uncurl_quotes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    fix_line_breaks=False,
    normalization=None,
)


class Mojibake(Limits):
    """Counts of characters that show broken text, each in the worst message of the dialogue.

    Reasons and measures: `mojibake`, `replacement`, `control`, `private_use`, `zero_width`.
    """

    edits: ClassVar[bool] = True
    whole: ClassVar[frozenset[str]] = frozenset({"mojibake", *_KINDS})

    act: Literal["drop", "mend"] = "drop"
    """Drop the dialogue, or mend its messages: wrong decoding is undone, control and zero-width characters are taken
    out, code is left as it is. What is beyond a limit even then is dropped: what U+FFFD replaced is lost."""
    most_mojibake: float | None = 0
    """Pairs of characters as wrong decoding leaves them (ftfy's badness). One in 700 UltraChat dialogues has some."""
    most_replacement: float | None = 0
    """Replacement characters, U+FFFD: a character was lost. Three in 700 UltraChat dialogues have some."""
    most_control: float | None = 0
    """Control characters of ASCII other than tab, line breaks and form feed; those beyond it count as mojibake."""
    most_private_use: float | None = 10
    """Characters without a meaning, such as bullets out of a word processor, of which a pasted list has a few."""
    most_zero_width: float | None = 10
    """Zero-width spaces and byte order marks; web pages leave one or two, spam hides its words with hundreds. The
    joiners that Indic scripts, Persian and emoji need are not counted."""

    def measure(self, dialogue: Dialogue) -> Mapping[str, Measure]:
        """The counts."""
        worst = {"mojibake": Measure(0, {})} | {kind: Measure(0, {}) for kind in _KINDS}
        for index, message in enumerate(dialogue.messages):
            for kind, (count, at) in counts(message.content).items():
                if count > worst[kind].value:
                    worst[kind] = Measure(count, evidence(index, message.content, at))
        return worst

    def apply(self, dialogue: Dialogue) -> Dialogue | Drop:
        """The dialogue, mended where that is asked for and needed."""
        return self._acted(dialogue, super().apply(dialogue))

    def verdicts(self, dialogues: Sequence[Dialogue]) -> Iterator[Verdict]:
        """Verdicts with the counts as they were before mending."""
        for dialogue, verdict in zip(dialogues, super().verdicts(dialogues), strict=True):
            yield Verdict(self._acted(dialogue, verdict.outcome), verdict.measures)

    def _acted(self, dialogue: Dialogue, outcome: Dialogue | Drop) -> Dialogue | Drop:
        if self.act == "drop" or isinstance(outcome, Dialogue):
            return outcome
        messages = tuple(map(_mended_message, dialogue.messages))
        return super().apply(dialogue.model_copy(update={"messages": messages}))


def counts(text: str) -> dict[str, tuple[int, int]]:
    """How many broken places of each kind the text has and where the first is; kinds that it lacks are left out."""
    data = text.encode("utf-8", "surrogatepass")
    found: dict[str, tuple[int, int]] = {}
    # bytes are looked through ten times as fast as an expression looks through characters
    if len(data.translate(None, _CONTROLS)) < len(data) or (not data.isascii() and any(map(data.__contains__, _LEADS))):
        for kind, expression in _KINDS.items():
            if places := [match.start() for match in expression.finditer(text)]:
                found[kind] = (len(places), places[0])
    if _may_be_mojibake(text) and (first := BADNESS_RE.search(text)):
        found["mojibake"] = (badness(text), first.start())
    return found


def _may_be_mojibake(text: str) -> bool:
    """Whether ftfy, which takes 0.2 us a character, can find anything: three quick looks that most texts end with."""
    rest = text
    for mark in _PLAIN:
        if rest.isascii():
            return False
        rest = rest.replace(mark, "")
    return not rest.isascii() and _SUSPECT.search(rest) is not None and _PAIR.search(text) is not None


def mended(text: str) -> str:
    """The text decoded as it should have been, without control and zero-width characters; code as it is.

    Quotes, ligatures, HTML entities and wide letters stay what they are.
    """
    pieces = _CODE.split(text)
    pieces[::2] = [_KINDS["zero_width"].sub("", fix_text(piece, _MENDING)) for piece in pieces[::2]]
    return "".join(pieces)


def _mended_message(message: Message) -> Message:
    text = mended(message.content) if counts(message.content) else message.content
    return message if text == message.content else message.model_copy(update={"content": text})
