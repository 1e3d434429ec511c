"""Role exchange: a user's turn that talks, starts or looks like an assistant's, or refuses like one."""

import re

from dialogue.draft import Draft
from dialogue.tongues import word_count

LONG_WORDS = 120
LONG_SHARE = 0.6
"""Of the answer before: a follow-up beyond this and LONG_WORDS is an answer itself."""

_HEADING = re.compile(r"^#{1,6} \S|^\*\*[^*\n]{2,80}\*\*:?\s*$", re.MULTILINE)
_EDGES = re.compile(r"\A[^\n:]+[\n:]|\n[^\n]+\Z")
"""What announces a pasted text: the words before the first line break or colon, the last line."""
_NUMBERED = re.compile(r"^\s{0,3}(?:\*\*)?\d{1,2}[.):] ?\S", re.MULTILINE)


def help_desk(draft: Draft) -> str | None:
    """A phrase of those who serve: "feel free to ask"."""
    return draft.lists.help_desk.find(draft.plain, draft.vocabulary)


def assistant_start(draft: Draft) -> str | None:
    """A start that only an answer has; one who was asked may say "Sure, ..." or "Here are my figures"."""
    lists = draft.lists
    # a bold or quoted start counts as well
    low = draft.low.lstrip('*_"“¡ ')
    phrase = lists.help_desk_starts.start(low)
    if phrase is None:
        return None
    if phrase in lists.answer_starts.every and (draft.act == "answer" or (draft.act is None and _was_asked(draft))):
        return None
    if lists.lead_ins.start(phrase) and lists.own.find(low[len(phrase) :].split("\n", 1)[0]):
        return None
    return phrase


def _was_asked(draft: Draft) -> bool:
    return bool(draft.history) and draft.history[-1].content.rstrip(' *\n"”').endswith(("?", "？"))


def shape(draft: Draft) -> str | None:
    """A heading, three numbered lines, or an essay: the shape of an answer, if it is not the user's own material."""
    if "\n" not in draft.bare and draft.size <= LONG_WORDS:
        return None
    plain = draft.plain
    if "\n" in plain:
        first, rest = plain.split("\n", 1)
        if draft.lists.own.find(first):
            return None
        if _HEADING.search(plain):
            return "heading"
        if len(_NUMBERED.findall(plain)) >= 3 and not _asks_all(rest):
            return "numbered list"
    return _too_long(draft)


def _asks_all(lines: str) -> bool:
    numbered = [line for line in lines.splitlines() if _NUMBERED.match(line)]
    return bool(numbered) and all(line.rstrip().endswith(("?", "？")) for line in numbered)


def _too_long(draft: Draft) -> str | None:
    if draft.size <= LONG_WORDS:
        return None
    if any(draft.lists.own.find(edge) for edge in _EDGES.findall(draft.plain)):
        return None
    answer = next((message.content for message in reversed(draft.history) if message.role == "assistant"), "")
    limit = max(LONG_WORDS, round(LONG_SHARE * word_count(answer)))
    return f"{draft.size} words, limit {limit}" if draft.size > limit else None


def refusal(draft: Draft) -> str | None:
    """A refusal in the words of a help desk; "I'm sorry, but I can't open the file" is a user's sentence."""
    lists, plain = draft.lists, draft.plain
    phrase = lists.refusal.find(plain, draft.vocabulary)
    if phrase is not None:
        return phrase
    apology = lists.apologies.find(plain, draft.vocabulary)
    if apology is None:
        return None
    verb = lists.refusal_verbs.start(plain[plain.find(apology) + len(apology) :].lstrip(" ,"))
    return None if verb is None else f"{apology} {verb}"
