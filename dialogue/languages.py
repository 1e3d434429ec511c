"""Which language a text is in, and whether that is the wrong one."""

from collections import Counter

from dialogue.draft import Draft, prose
from dialogue.tongues import SCRIPT_OF, chinese_variant, code_of, letters_by_script, normal, script_of, words_of
from dialogue.wordlists import language_names, stop_words

CLEAR_LETTERS = 20
"""Letters of another script that prove a wrong language; below, it is only a suspicion."""
FEW_LETTERS = 10
VOTERS = 8
"""Words that a vote of stop words needs."""


def language_of(text: str) -> str | None:
    """The language's code, or its script's where only that can be told (Latn, Arab ...); None for too little text."""
    plain = prose(text)
    letters = letters_by_script(plain)
    script = script_of(letters)
    if script is None or letters.total() < (4 if script in ("Hani", "Kana", "Kore") else FEW_LETTERS):
        return None
    if script == "Hani":
        return chinese_variant(plain)
    if script in ("Kana", "Kore"):
        return "ja" if script == "Kana" else "ko"
    words = words_of(normal(plain))
    own, every = _votes(words, script), _votes(words, script, shared=True)
    # shared words count once, a language's own twice: "la" alone is neither Spanish nor French
    best, second = [*(own + every).most_common(2), ("", 0), ("", 0)][:2]
    clear = best[1] >= max(3, 0.2 * len(words)) and best[1] >= 1.5 * second[1]
    return best[0] if clear else script


def wrong_language(draft: Draft, least: int = CLEAR_LETTERS) -> str | None:
    """What shows that the draft is not in its language; None where it is, or where the turn names a language.

    Code, quotes and URLs are left out. Fewer than `least` letters prove nothing.
    """
    if draft.language is None:
        return None
    code = code_of(draft.language)
    script = SCRIPT_OF.get(code)
    if script is None:
        return None
    words = draft.words
    votes = stop_words()
    if script == "Latn" and draft.low.isascii() and code in votes:
        # most turns end here: a planned language that has its share of frequent words needs no counting of letters
        own = sum(map(votes[code].__contains__, words))
        if own * 8 >= len(words):
            return None
    evidence = _other_script(draft, code, script, least) or _other_vote(words, code, script)
    if evidence is None or language_names().find(draft.low):
        return None
    # a request in the right language above or below a pasted text
    lines = draft.prose.split("\n")
    return None if len(lines) > 1 and any(_in_language(line, code, script) for line in lines) else evidence


def _in_language(line: str, code: str, script: str) -> bool:
    letters = letters_by_script(line)
    if script_of(letters) != script or letters.total() < 4:
        return False
    words = words_of(normal(line))
    return script != "Latn" or code not in stop_words() or _votes(words, script)[code] * 8 >= len(words)


def _other_script(draft: Draft, code: str, script: str, least: int) -> str | None:
    letters = letters_by_script(draft.prose)
    found = script_of(letters)
    if found is None:
        return None
    if found == script:
        return _other_variant(draft.prose, code, least) if code in ("zh-Hans", "zh-Hant") else None
    own = letters[script] + (letters["Hani"] if script in ("Kana", "Kore") and found not in ("Hani",) else 0)
    foreign = letters["Hani"] + letters["Kana"] if found in ("Hani", "Kana") else letters[found]
    # names, loan words and code words stand in Latin letters in every language
    if foreign < least or (found == "Latn" and own * 5 > foreign):
        return None
    return f"{foreign} {found} letters, {own} of {script}"


def _other_variant(text: str, code: str, least: int) -> str | None:
    other = chinese_variant(text)
    if other in ("zh", code) or letters_by_script(text)["Hani"] < least:
        return None
    return f"written in {other}"


def _votes(words: list[str], script: str, *, shared: bool = False) -> Counter[str]:
    lists = stop_words(shared=shared).items()
    return Counter({code: sum(map(known.__contains__, words)) for code, known in lists if SCRIPT_OF[code] == script})


def _other_vote(words: list[str], code: str, script: str) -> str | None:
    """The frequent words of another language, if they outnumber the planned one's by far.

    Where the planned language has no list only English is heard: its neighbours would be taken for it.
    """
    if len(words) < VOTERS:
        return None
    votes = _votes(words, script)
    own = votes.pop(code, 0)
    rivals = votes if code in stop_words() else Counter({"en": votes["en"]})
    best = max(rivals, key=rivals.__getitem__, default=None)
    share = 0.2 if code in stop_words() else 0.35
    if best is None or rivals[best] < max(3, share * len(words)) or rivals[best] <= 3 * own:
        return None
    return f"{rivals[best]} of {len(words)} words are {best}, {own} {code}"
