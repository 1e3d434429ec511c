"""The checks without a model: what is wrong with a turn, as data with a reason.

`user_fault` and `opener_fault` name what is asked again, `soft_fault` what is asked again once and then taken,
`assistant_flags` and `user_flags` what is only counted. All are run on text before typing noise. How often each check
fires on good turns is measured by `bench/false_positives.py` and bounded by a test.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from dialogue import copies, courtesy, exchange, figures, languages, markers
from dialogue.courtesy import thanks_only
from dialogue.draft import Draft, read, unwrap
from dialogue.errors import Reason
from dialogue.languages import language_of
from dialogue.likeness import words as all_words
from dialogue.records import Message
from dialogue.tongues import letters_by_script, word_count
from dialogue.wordlists import wordlists

__all__ = [
    "CHECKS",
    "Fault",
    "assistant_flags",
    "language_of",
    "letters_by_script",
    "opener_fault",
    "soft_fault",
    "thanks_only",
    "unwrap",
    "user_fault",
    "user_flags",
    "word_count",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a turn."""

    reason: Reason
    check: str
    """The check that found it: a key of CHECKS, or a check of openers."""
    evidence: str


Check = Callable[[Draft], str | None]

CLOSING = "closing"
"""The act of a turn that may thank and say goodbye, because the script ends there."""


def _empty(draft: Draft) -> str | None:
    return None if any(map(str.isalnum, draft.text)) or draft.text.strip("\"'*.…-_ \n") else "no text"


def _thanks(draft: Draft) -> str | None:
    return None if draft.act == CLOSING else courtesy.thanks(draft)


def _farewell(draft: Draft) -> str | None:
    return None if draft.act == CLOSING else courtesy.farewell(draft)


def _turn_copy(draft: Draft) -> str | None:
    return copies.turn_copy(draft, changes=draft.act == "rephrase")


CHECKS: dict[str, tuple[Reason, Check]] = {
    "empty": ("markers", _empty),
    "think_tag": ("markers", markers.think_tag),
    "template_token": ("markers", markers.template_token),
    "role_marker": ("markers", markers.role_marker),
    "refusal": ("refusal", exchange.refusal),
    "opener_resent": ("repeat", copies.opener_resent),
    "turn_copy": ("repeat", _turn_copy),
    "answer_copy": ("repeat", copies.answer_copy),
    "thanks_only": ("politeness", _thanks),
    "farewell": ("politeness", _farewell),
    "assistant_start": ("role_exchange", exchange.assistant_start),
    "help_desk": ("role_exchange", exchange.help_desk),
    "meta": ("markers", markers.meta),
    "stage_direction": ("markers", markers.stage_direction),
    "placeholder": ("markers", markers.placeholder),
    "language": ("markers", languages.wrong_language),
    "shape": ("role_exchange", exchange.shape),
}
"""Every check of a follow-up, in the order in which they are asked: the truest reason first."""


def user_fault(
    text: str,
    history: Sequence[Message],
    *,
    act: str | None,
    language: str | None,
    sentinel: str | None = None,
    facts: str | None = None,
    waived: Collection[str] = (),
) -> Fault | None:
    """What is wrong with a follow-up; None if nothing.

    `history` is what was said before, the opener included. `facts` are the goal card's, for sectors whose users may
    not make up figures. `waived` names checks of CHECKS that the sector does without: role play waives `meta` and
    `stage_direction`; a sector of reasoning chains waives `turn_copy`, which then lets one changed word pass.
    """
    if sentinel is not None and markers.sentinel_in(text, sentinel):
        return Fault("markers", "sentinel", sentinel)
    draft = read(text, history, act, language)
    for check, (reason, find_fault) in CHECKS.items():
        evidence = find_fault(draft)
        if evidence is None:
            continue
        if check not in waived:
            return Fault(reason, check, evidence)
        if check == "turn_copy" and (evidence := copies.turn_copy(draft, changes=True)):
            return Fault(reason, check, evidence)
    if facts is not None and (figure := figures.unknown_figure(draft, facts)):
        return Fault("markers", "figures", figure)
    return None


SHORT = 80
"""Characters within which a text can be too short for its language to be sure of."""


def soft_fault(text: str, *, language: str | None, words: tuple[int, int] | None) -> Fault | None:
    """What is asked again once and then accepted: a wrong language shown by few letters, a length far off its range."""
    # In a longer text `user_fault` has found whatever there is to find.
    if len(text) < SHORT and (
        evidence := languages.wrong_language(read(text, (), None, language), languages.FEW_LETTERS)
    ):
        return Fault("markers", "language", evidence)
    if words is None:
        return None
    size = len(all_words(text))
    least, most = 0.4 * words[0], 2.0 * words[1]
    if least <= size <= most:
        return None
    return Fault("markers", "length", f"{size} words, wanted {words[0]}-{words[1]}")


def opener_fault(text: str, language: str | None, min_words: int = 2, max_words: int = 400) -> Fault | None:
    """What is wrong with a generated opener; "Here is a text ...", a leading digit and quotes all round are not."""
    draft = read(text, (), None, language)
    size = word_count(text)
    if _empty(draft) or size < min_words:
        return Fault("opener", "empty", f"{size} words, least {min_words}")
    if size > max_words:
        return Fault("opener", "long", f"{size} words, most {max_words}")
    for check, find_fault in OPENER_CHECKS.items():
        if evidence := find_fault(draft):
            return Fault("opener", check, evidence)
    return None


def _preamble(draft: Draft) -> str | None:
    """The writer's own words before or instead of an opener: "Here are 10 questions:"."""
    if phrase := draft.lists.opener_starts.start(draft.low):
        return phrase
    first = draft.low.split("\n", 1)[0].rstrip(" *")
    if not first.endswith((":", ".")) or not draft.lists.lead_ins.start(first) or draft.lists.own.find(first):
        return None
    return draft.lists.list_nouns.find(first)


def _opener_marker(draft: Draft) -> str | None:
    """A speaker's name before the first word, or a control token anywhere."""
    found = markers.role_marker(draft._replace(plain=draft.low.split("\n", 1)[0]))
    return found or markers.template_token(draft) or markers.think_tag(draft)


def _opener_meta(draft: Draft) -> str | None:
    return draft.lists.opener_meta.find(draft.plain)


def _opener_refusal(draft: Draft) -> str | None:
    """A refusal in the first line; further on it is material."""
    return exchange.refusal(draft._replace(plain=draft.plain[:160].split("\n", 1)[0]))


OPENER_CHECKS: dict[str, Check] = {
    "preamble": _preamble,
    "marker": _opener_marker,
    "refusal": _opener_refusal,
    "meta": _opener_meta,
    "placeholder": markers.placeholder,
    "language": languages.wrong_language,
}


_ENDS = tuple(".!?…。！？:;)]}>\"'”’»」』*_`|~$")
EDITED_SHARE, COPIED_SHARE = 0.95, 0.5


def assistant_flags(
    text: str, history: Sequence[Message], *, language: str | None = None, edits: bool = False
) -> list[str]:
    """What is odd about an answer, to be counted: self_copy, asks_as_user, praise, truncated.

    In sectors that edit a text (`edits`) an answer rightly prints most of it again.
    """
    lists = wordlists(language)
    low = text.strip().lower()
    found = {
        "self_copy": copies.self_copy(text, history, EDITED_SHARE if edits else COPIED_SHARE),
        "asks_as_user": low.startswith(lists.asks.every),
        "praise": courtesy.praise_opener(low, lists) is not None,
        "truncated": bool(low) and not low.endswith(_ENDS) and _ends_in_prose(low),
    }
    return [name for name, fires in found.items() if fires]


def _ends_in_prose(low: str) -> bool:
    """Whether the last line is a sentence: lists, tables, headings, verse and single words end without a mark."""
    last = low.rsplit("\n", 1)[-1].lstrip()
    return len(last.split()) >= 8 and not last.startswith(("-", "*", "#", "|", "•", "+", ">")) and last[-1].isalpha()


def user_flags(text: str, *, language: str | None) -> list[str]:
    """What is well in one user's turn and a fault in many: praise."""
    return ["praise"] if courtesy.praise_opener(text.strip().lower(), wordlists(language)) else []
