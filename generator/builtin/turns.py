"""The user's side: one follow-up that does what the turn note asks, on the words of the dialogue."""

from generator.builtin.answers import given_words, pair
from generator.builtin.faults import USER_RATES, faulty_turn, planted
from generator.builtin.grammar import Entry, Grammar, capital, words_of
from generator.builtin.memory import small
from generator.builtin.notes import Wanted
from generator.builtin.stream import Stream

END_SHARE = 0.15
"""Share of the turns with leave to end that do end."""

LEAD_SHARE = 0.45
"""Share of the turns with no first word asked for that get words of setting before the sentence."""

CLOSING_SHARE = 0.8
"""Share of the questions followed by a remark that are put last, or are followed by another question."""

TABLES = {"question": "begin", "statement": "state", "imperative": "order"}
PLAIN_ACTS = frozenset(("deepen", "widen", "own_case", "react", "answer", "clarify"))
"""Acts that a question or remark on a word of the answer fulfils; the others say what they are, if there is room."""


def user_turn(wanted: Wanted, own: list[str], latest: str, grammar: Grammar, stream: Stream, faults: float) -> str:
    """What the simulated user says next; `own` are the user's turns so far, `latest` is the answer to the last one."""
    if wanted.sentinel and not wanted.fact and stream.share() < END_SHARE:
        return wanted.sentinel
    given, words = given_words(own[0] if own else latest, latest, wanted.language, grammar)
    text = small(wanted, given["t"], own, grammar, stream)
    if text is None:
        text = _said(wanted, given, words, own, grammar, stream)
    else:
        pair(words, given, stream)
    fault = None if wanted.again else planted(USER_RATES, faults, stream)
    return faulty_turn(fault, text, own, given, grammar, stream) if fault else text


def _said(
    wanted: Wanted, given: dict[str, str], words: list[str], own: list[str], grammar: Grammar, stream: Stream
) -> str:
    """A first sentence, the fact to release, and more until the least length is reached."""
    parts: list[str] = []
    room = wanted.high
    fact = wanted.fact
    if fact:
        fact = given["f"] = grammar.own(fact)
        room = max(2, room - words_of(fact))
    for _ in range(3):
        pair(words, given, stream)
        parts = _opened(wanted, room, given, grammar, stream)
        if not any(parts[0][:24] in turn for turn in own):
            break
    size = sum(map(words_of, parts))
    if fact and not any(fact in part for part in parts):
        parts.append(
            grammar.say(grammar.fitting("user.release", wanted.high - size - words_of(fact), stream), given, stream)
        )
        size += words_of(parts[-1])
    for _ in range(16):
        if size >= wanted.low:
            break
        pair(words, given, stream)
        asks = wanted.form == "question" and stream.below(3) == 0
        parts.append(grammar.one("user.tail_question" if asks else "user.tail", given, stream))
        size += words_of(parts[-1])
    if wanted.form == "question" and parts[-1][-1] not in "?？" and stream.share() < CLOSING_SHARE:
        if wanted.opening and size < wanted.high:
            parts.append(grammar.say(grammar.fitting("user.tail_question", wanted.high - size, stream), given, stream))
        elif not wanted.opening:
            parts.append(parts.pop(0))
    if wanted.thanks and stream.below(2):
        parts.append(grammar.one("user.thanks", given, stream))
    return grammar.joint.join(capital(part) for part in parts)


def _opened(wanted: Wanted, room: int, given: dict[str, str], grammar: Grammar, stream: Stream) -> list[str]:
    """The sentence, or two, that begin as asked and do what is asked."""
    act = f"user.{wanted.act}.{wanted.form}"
    if wanted.act == "reveal" and not wanted.fact:
        act = f"user.own_case.{wanted.form}"
    if not wanted.opening:
        return [_led(act, wanted, room, given, grammar, stream)]
    table = TABLES[wanted.form]
    plain = wanted.act in PLAIN_ACTS and stream.below(2) > 0
    entry = asked_for(wanted.opening, act, table, room, given, grammar, stream, plain=plain)
    first = grammar.say(entry, given, stream).replace("  ", " ")
    left = room - words_of(first)
    if wanted.act in PLAIN_ACTS or left < 2 or entry[0] or wanted.opening.lower() not in grammar.classes:
        return [first]
    return [first, grammar.say(grammar.fitting(act, left, stream), given, stream)]


def asked_for(
    word: str,
    sentences: str,
    table: str,
    room: int,
    given: dict[str, str],
    grammar: Grammar,
    stream: Stream,
    *,
    plain: bool = True,
) -> Entry:
    """A sentence that begins with the word: one of the list's own, one of the table for words of its class, or one of
    the list (where `plain`, of the table's plain ones) with the word put before it. Fills the slots that it needs."""
    given["w"] = word
    fitting = grammar.beginning(sentences, word)
    if fitting and stream.below(2):
        return stream.pick(fitting)
    by_class = f"{table}.{grammar.classes.get(word.lower())}"
    if grammar.has(by_class):
        given["more"] = grammar.objects.get(word.lower(), "")
        return grammar.fitting(by_class, room, stream)
    if plain and grammar.has(f"{table}.plain"):
        sentences = f"{table}.plain"
    entry = grammar.fitting(sentences, room - words_of(word), stream)
    comma = grammar.comma if grammar.classes.get(word.lower()) == "aside" and stream.below(2) else ""
    return (f"{word}{comma}{grammar.joint}{entry[0]}", *entry[1:])


def _led(act: str, wanted: Wanted, room: int, given: dict[str, str], grammar: Grammar, stream: Stream) -> str:
    """The act's own sentence, at times after a word or two of setting."""
    lead = ""
    if room > 4 and stream.share() < LEAD_SHARE:
        lead = grammar.one("user.opening" if room < 9 or stream.below(3) == 0 else "user.setting", given, stream)
        room -= words_of(lead)
    for _ in range(4):
        text = grammar.joined(lead, grammar.say(grammar.fitting(act, room, stream), given, stream))
        if not any(text.lower().startswith(word) for word in wanted.avoid if word):
            break
    return text
