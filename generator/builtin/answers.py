"""The assistant's side: some sentences on the words of the question, the value of a sum, or what the user has told."""

from fractions import Fraction

from generator.builtin.calculator import find_sum, written
from generator.builtin.faults import ANSWER_RATES, cut_short, planted
from generator.builtin.grammar import Grammar, capital, words_of
from generator.builtin.memory import remembered
from generator.builtin.notes import Guide
from generator.builtin.stream import Stream
from generator.builtin.topic import TOPIC_CHARACTERS, phrase_of, words_in

WORDS = (30, 120)
QUESTION_SHARE = 0.08
PARAGRAPH_SHARE = 0.25
LIST_SHARE = 0.15
VAGUE = {"en": ("that", "this point"), "zh": ("这一点", "那一点"), "zh-TW": ("這一點", "那一點")}
"""Stands for the topic where the text names none."""

LENGTHS = {"creation": (5, 9), "role": (1, 3)}
"""Sentences between the first and the last one where a guide asks for something else than an answer, by column."""
PARAGRAPHS = 6
"""Sentences from which on such a text has two paragraphs."""

SHORTER = ("shorter", "short ", "half the length", "fewer", "too long", "短一", "太长", "太長", "砍掉", "精简", "精簡")


def pair(words: list[str], given: dict[str, str], stream: Stream) -> None:
    """Put two of the words, where there are two, into the slots k and k2."""
    first = stream.below(len(words))
    given["k"] = words[first]
    given["k2"] = words[(first + 1 + stream.below(len(words) - 1)) % len(words)] if len(words) > 1 else given["t"]


def given_words(opener: str, latest: str, language: str, grammar: Grammar) -> tuple[dict[str, str], list[str]]:
    """The topic for the slots, and the words that a sentence may take up."""
    topic = phrase_of(opener[:TOPIC_CHARACTERS], grammar) or VAGUE[language][0]
    words = words_in(latest, grammar)
    words = [topic, *words] if len(words) > 1 else [*words, topic, *words_in(opener, grammar)]
    return {"t": topic}, words if len(words) > 1 else list(VAGUE[language])


def answer(
    turns: list[str],
    language: str,
    grammar: Grammar,
    stream: Stream,
    wrong_share: float,
    faults: float,
    guide: Guide | None = None,
) -> str:
    """The answer to the last of the user's turns: a piece of writing, a line in character, a refusal where the guide
    wants one."""
    given, words = given_words(turns[0], turns[-1], language, grammar)
    pair(words, given, stream)
    fault = planted(ANSWER_RATES, faults, stream)
    if fault == "disclaimer":
        return grammar.one("faults.disclaimer", given, stream)
    plain = remembered(turns, grammar, stream, wrong_share) if guide is None else None
    if guide is not None and grammar.has(f"{guide.lists}.first"):
        text = _guided(guide.lists, turns[-1], given, words, grammar, stream, fault == "repeated")
    elif plain is not None:
        text = grammar.joint.join([plain, plain] if fault == "repeated" else [plain])
    else:
        first = _sum(turns[-1], grammar, stream, wrong_share) or grammar.one("answer.first", given, stream)
        text = _body(first, turns[-1], given, words, grammar, stream, fault == "repeated")
    if fault == "marker":
        text = grammar.one("faults.marker", {**given, "text": text}, stream)
    elif fault == "cut":
        text = cut_short(text, stream)
    return text


def _body(
    first: str, asked: str, given: dict[str, str], words: list[str], grammar: Grammar, stream: Stream, repeated: bool
) -> str:
    """Sentences up to a length drawn, in one or two paragraphs, at times with a list."""
    asked = asked.lower()
    least, most = (20, 40) if any(cue in asked for cue in SHORTER) else WORDS
    target = (least + stream.below(most - least - 15)) * (1 if grammar.joint else 2)
    parts, size = [first], words_of(first)
    listed = stream.share() < LIST_SHARE
    if listed:
        block = _list(given, words, grammar, stream)
        parts.append(block)
        size += words_of(block)
    middle = grammar.entries("answer.middle")
    places = stream.distinct(len(middle), 8)
    while size < target and places:
        pair(words, given, stream)
        sentence = grammar.say(middle[places.pop()], given, stream)
        parts.append(sentence)
        size += words_of(sentence)
    if repeated:
        parts.append(parts[-1] if not listed or len(parts) > 2 else parts[0])
    if stream.share() < 0.5:
        parts.append(grammar.one("answer.last", given, stream))
    if stream.share() < QUESTION_SHARE:
        parts.append(grammar.one("answer.question", given, stream))
    joints = [grammar.joint] * len(parts)
    if listed:
        joints[1] = joints[2 % len(joints)] = "\n"
    elif len(parts) > 2 and stream.share() < PARAGRAPH_SHARE * 2:
        joints[len(parts) // 2] = "\n\n"
    joints[0] = ""
    return "".join(joint + capital(part) for joint, part in zip(joints, parts, strict=True))


def _guided(
    lists: str,
    asked: str,
    given: dict[str, str],
    words: list[str],
    grammar: Grammar,
    stream: Stream,
    repeated: bool,
) -> str:
    """Sentences from the phrases for a guide: a first one, some of the middle, and always a last one."""
    middle = grammar.entries(f"{lists}.middle")
    least, most = LENGTHS.get(lists.split(".")[1], (2, 4))
    count = least if any(cue in asked.lower() for cue in SHORTER) else least + stream.below(most - least + 1)
    entries = [
        stream.pick(grammar.entries(f"{lists}.first")),
        *(middle[i] for i in stream.distinct(len(middle), count)),
    ]
    parts = []
    for entry in [*entries, stream.pick(grammar.entries(f"{lists}.last"))]:
        pair(words, given, stream)
        parts.append(capital(grammar.say(entry, given, stream)))
    if repeated:
        parts.insert(1, parts[1])
    half = len(parts) // 2
    if len(parts) < PARAGRAPHS:
        return grammar.joint.join(parts)
    return "\n\n".join((grammar.joint.join(parts[:half]), grammar.joint.join(parts[half:])))


def _list(given: dict[str, str], words: list[str], grammar: Grammar, stream: Stream) -> str:
    lines = [grammar.one("answer.list_head", given, stream)]
    entries = grammar.entries("answer.list_item")
    for place in stream.distinct(len(entries), 3 + stream.below(2)):
        pair(words, given, stream)
        lines.append("- " + capital(grammar.say(entries[place], given, stream)))
    return "\n".join(lines)


def _sum(text: str, grammar: Grammar, stream: Stream, wrong_share: float) -> str | None:
    found = find_sum(text)
    if found is None:
        return None
    value = found.value
    if stream.share() < wrong_share:
        value += Fraction(stream.pick((-10, -2, -1, 1, 2, 10, 100)))
    return grammar.one("answer.sum", {"e": found.text, "n": written(value)}, stream)
