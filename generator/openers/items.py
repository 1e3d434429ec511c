"""One item of a list without what its writer hung on it: quotes, labels, heads, echoes, answers, invisible marks.

Each rule takes off what no person would have typed, or leaves the item alone. A rule that cannot tell empties the
item, and the list goes on without it.
"""

import re
from collections.abc import Sequence

# Zero-width spaces, byte-order marks, direction marks and embeddings: they steer display and break comparison.
# Joiners (U+200C, U+200D) stay: Persian, Hindi and emoji are spelled with them.
_INVISIBLE = re.compile("[\u200b\u2060\ufeff\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "「": "」", "『": "』", "”": "”", "＂": "＂"}

_LABELS = "question|query|opener|opening message|message|user|human|prompt|subtopic|q|问题|問題|用户|使用者|提问|提問"
_LABEL = re.compile(rf"(?:{_LABELS})\s*#?\d{{0,3}}\s*[:：]\s*(?=\S)", re.IGNORECASE)
_BOLD_LABEL = re.compile(r"(\*\*|__)[^*_\n]{1,60}?(?:[:：]\1|\1\s*[:：])\s*(?=\S)")
_BOLD = re.compile(r"(\*\*|__)((?:(?!\1).)+)\1", re.DOTALL)

_ANSWERS = "answer|assistant|response|reply|ai|a|答案|回答|答|助手|助理"
_ANSWER = re.compile(
    rf"(?:\n[ \t]*|(?<=[?？])[ \t]*[(（]?)(?:\*\*)?(?:{_ANSWERS})(?:\*\*)?\s*[:：](?=\s*\S)", re.IGNORECASE
)

# An answer in a paragraph of its own behind what a task works on; within that, such words are the task's.
_OWN_ANSWER = re.compile(
    r"(?:\*\*)?(?:answer|response|solution|expected output|output|答案|回答)(?:\*\*)?\s*[:：]", re.I
)

_OWN_NUMBER = re.compile(r"\(?(\d{1,3})[.)、．:：](?:\s+|(?=[^\x00-\x7f]))")


def bare(text: str) -> str:
    """The text with plain newlines and without characters that cannot be seen."""
    return _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\u2028", "\n").replace("\u2029", "\n"))


def plain(item: str, echo: Sequence[str] = ()) -> str:
    """The item alone; empty where nothing of it is left. `echo` holds its spec, if there was one."""
    item = _CONTROL.sub("", bare(item)).strip().strip("\u200c\u200d")
    for spec in echo:
        item = _without_echo(item, spec)
    for head in (_BOLD_LABEL, _LABEL):
        item = _without(head, item)
    if answer := _ANSWER.search(item):
        item = item[: answer.start()]
    if whole := _BOLD.fullmatch(item):
        item = whole[2]
    return item.strip()


def plain_task(item: str, echo: Sequence[str] = ()) -> str:
    """The item alone, where what stands behind its first empty line is material: that stays, but for an answer."""
    instruction, *material = re.split(r"\n[ \t]*\n", bare(item).strip())
    if material and _OWN_ANSWER.match(material[-1].lstrip()):
        material.pop()
    instruction = plain(instruction, echo)
    return "\n\n".join([instruction, *(_CONTROL.sub("", part).rstrip() for part in material)]) if instruction else ""


def strip_quotes(item: str) -> str:
    """The item without one matching pair of quotes round the whole of it; an apostrophe is no quote."""
    item = item.strip()
    inner = item[1:-1]
    if len(item) < 3 or _QUOTES.get(item[0]) != item[-1] or item[0] in inner or item[-1] in inner:
        return item
    return inner.strip()


def strip_own_numbers(items: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """The items without numbers of their own, if all have them and they agree with their places.

    One that merely begins with a digit ("1. Read the passage ...") keeps it.
    """
    matches = [_OWN_NUMBER.match(item) for _, item in items]
    agree = all(match and int(match[1]) == number for match, (number, _) in zip(matches, items, strict=True))
    if len(items) < 2 or not agree:
        return items
    return [(number, item[match.end() :]) for match, (number, item) in zip(matches, items, strict=True) if match]


def _without(head: re.Pattern[str], item: str) -> str:
    match = head.match(item)
    return item[match.end() :] if match else item


def _without_echo(item: str, spec: str) -> str:
    """The item without its spec before it, in brackets or bold or bare, told apart by a mark or a line's end."""
    first = spec.split(maxsplit=2)[:2]
    # An expression for each line of each list would cost more than the dialogue that comes of it.
    if not first or any(word.lower() not in item.lower() for word in first):
        return item
    words = r"\s+".join(map(re.escape, spec.split()))
    return _without(
        re.compile(rf"[\[(（【*_]*{words}[\])）】*_.]*(?:\s*[:：\-–—>→|]+\s*|\s*\n\s*|(?<=[\])）】])\s*|$)", re.I), item
    )
