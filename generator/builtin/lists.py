"""Lists for the opener writer: short names, or opening messages, put together from the phrase banks.

The prompt says how many, in what language and on what branch of the tree; a numbered line says form and length of each.
"""

import re
from dataclasses import dataclass

from generator.builtin.grammar import Entry, Grammar, capital, words_of
from generator.builtin.memory import told
from generator.builtin.notes import Wanted, Wording
from generator.builtin.passages import PASSAGE, instructions
from generator.builtin.schooling import problem_opener
from generator.builtin.stream import Stream
from generator.builtin.tasks import INSTRUCTIONS, TASK, evolved, new_tasks
from generator.builtin.tooling import task_opener
from generator.builtin.topic import lowered, name_of, phrase_of, words_in
from generator.builtin.turns import TABLES, asked_for

ORDER = re.compile(r"^Write exactly (\d{1,9}) ([^\n]*)$", re.MULTILINE)
LANGUAGE = re.compile(r"^Language: .*\(([A-Za-z-]{2,12})\)$", re.MULTILINE)
STEP = re.compile(r"^([A-Z][A-Za-z -]{1,30}): (.+)$")
SPEC = re.compile(r"^\d{1,3}\. (.+)$", re.MULTILINE)
DETAILS = re.compile(r" \(([^()]*)\)$")
GROWN = ("Question", "Request")
"""Steps of a branch that are opening messages themselves, and no subject."""
STYLES = {
    "Kind of writing": "sector.creation",
    "Character": "sector.role",
    "Matter": "sector.harmless",
    "Source": "sector.client",
    "Boundary": "sector.client.wish",
}
"""Sectors that ask for something else than questions, by the first step of a branch: what their lists are called."""
UNNAMED = "None of them names the entity"
"""Said where the entity's kind is the subject, not the entity."""

ILL = "A good assistant"
"""Said where the messages want what an assistant declines."""
SOURCE = "Source"
"""The label of what a field's assistant knows."""
SOURCE_CHARACTERS = 30
SEED = "Seed"
"""The label of a seed, which is a question itself."""

MAX_ITEMS = 200
NEAR_SHARE = 0.4
"""Share of the openers that take up a word of the question that they grow from."""

LEAD_SHARE = 0.5
"""Share of the openers, but for short ones and those whose first word is given, that say first where they come from."""

LEAD_WORDS = 12

LISTS = {"question": "opener.question", "imperative": "opener.request", "statement": "opener.statement"}
SHORT_WORDS = 9
"""Up to this length some openers are what one types into a search box."""


@dataclass(frozen=True, slots=True)
class ListWanted:
    """What a list prompt asks for."""

    n: int
    names: bool
    language: str
    path: tuple[tuple[str, str], ...]
    specs: tuple[str, ...]
    unnamed: bool
    ill: bool

    @property
    def style(self) -> str | None:
        """What the lists of the grammar are called that hold its sentences; None for questions about the world."""
        style = STYLES.get(self.path[0][0]) if self.path else None
        return f"{style}.wish" if style and self.ill else style


def list_wanted(prompt: str) -> ListWanted | None:
    """What the prompt asks for; None where it asks for no list."""
    order, language = ORDER.search(prompt), LANGUAGE.search(prompt)
    if order is None or language is None:
        return None
    path: list[tuple[str, str]] = []
    for line in reversed(prompt[: language.start()].rstrip("\n").split("\n")):
        step = STEP.match(line)
        if step is None:
            break
        path.insert(0, (step[1], step[2]))
    specs = tuple(SPEC.findall(prompt, order.end()))
    names = order[2].startswith("name")
    n = min(int(order[1]), MAX_ITEMS)
    return ListWanted(n, names, language[1], tuple(path), specs, UNNAMED in prompt, ILL in prompt)


def items(wanted: ListWanted, prompt: str, wording: Wording, grammar: Grammar, stream: Stream) -> list[str]:
    """As many names or opening messages as are wanted, all different."""
    if wanted.names:
        return _names(wanted, prompt.casefold(), grammar, stream)
    if wanted.path and wanted.path[-1][0] == PASSAGE:
        return instructions(wanted.path[-1][1], wanted.n, wanted.specs, wording, grammar, stream)
    if wanted.path and wanted.path[0][0] == TASK:
        return new_tasks(wanted.n, wanted.specs, wording, grammar, stream)
    if wanted.path and wanted.path[-1][0] in INSTRUCTIONS:
        return evolved(wanted.path[-1][1], wanted.n, wanted.specs, wording, grammar, stream)
    near = _near(wanted, grammar)
    subject = _subject(wanted, near, grammar)
    used: set[Entry] = set()
    found: list[str] = []
    for place in range(wanted.n):
        spec = (
            wording.spec(wanted.specs[place]) if place < len(wanted.specs) else Wanted(wanted.language, form="question")
        )
        if wanted.style:
            root = wanted.path[0][1]
            found.append(_styled(wanted.style, spec, _small(subject), _small(root), used, grammar, stream))
        else:
            found.append(_opener(spec, subject, near, used, grammar, stream))
    return found


def _names(wanted: ListWanted, prompt: str, grammar: Grammar, stream: Stream) -> list[str]:
    """Names that neither stand in the prompt already nor in the list."""
    topic = wanted.path[-1][1] if wanted.path else ""
    phrase = (name_of(topic, grammar.stop) if grammar.joint else phrase_of(topic, grammar)) or topic
    entries = grammar.entries(f"{wanted.style}.name" if wanted.style else "subtopic.name")
    found: dict[str, str] = {}
    for _ in range(wanted.n * 20):
        name = capital(grammar.say(stream.pick(entries), {"t": phrase}, stream))
        if len(name) <= 60 and name.casefold() not in prompt:
            found.setdefault(name.casefold(), name)
        if len(found) == wanted.n:
            break
    return list(found.values())


def _near(wanted: ListWanted, grammar: Grammar) -> list[str]:
    """Words of the question that the openers grow from, without those of the branch above it."""
    question = next((value for label, value in reversed(wanted.path) if label in GROWN), "")
    barred = " ".join(value for label, value in wanted.path if label not in GROWN).lower()
    return [word for word in words_in(question, grammar) if word.lower() not in barred]


def _subject(wanted: ListWanted, near: list[str], grammar: Grammar) -> str:
    """The subtopic or the entity; its kind, or a word near it, where the entity itself shall not be named."""
    label, value = next((step for step in reversed(wanted.path) if step[0] not in GROWN), ("", "it"))
    details = DETAILS.search(value)
    name = DETAILS.sub("", value)
    if wanted.unnamed and label == "Entity":
        kind = details[1].split(",")[0].strip() if details else ""
        if kind.isascii() != bool(grammar.joint) or not kind:
            kind = near[0] if near else grammar.one("bank.something", {}, Stream(0))
        return grammar.one("bank.any", {"kind": kind}, Stream(0))
    if label == SOURCE:
        return phrase_of(name, grammar) or name_of(name, grammar.stop) or name[:SOURCE_CHARACTERS]
    if label == SEED:
        return phrase_of(name, grammar) or lowered(name)
    return name if label == "Entity" else lowered(name)


def _opener(spec: Wanted, subject: str, near: list[str], used: set[Entry], grammar: Grammar, stream: Stream) -> str:
    """One opening message by its spec, in a frame that the list has not used yet, if one is left."""
    if spec.task:
        problem = problem_opener(spec.task, spec.form, spec.language, stream)
        return problem or task_opener(spec.task, spec.form, spec.language, stream)
    if spec.told:
        return told(spec.told, grammar)
    given = {"t": subject}
    room = max(4, spec.high - (words_of(spec.fact) if spec.fact else 0))
    for _ in range(6):
        entry = _frame(spec, room, given, grammar, stream)
        if entry not in used:
            break
    used.add(entry)
    first = capital(grammar.say(entry, given, stream).replace("  ", " "))
    if not spec.opening and spec.high >= LEAD_WORDS and stream.share() < LEAD_SHARE:
        first = grammar.joined(capital(grammar.one("opener.lead", given, stream)), first)
    parts = [first, f"{capital(grammar.own(spec.fact))}{grammar.stop_mark}"] if spec.fact else [first]
    size = sum(map(words_of, parts))
    if near and size + 5 <= spec.high and stream.share() < NEAR_SHARE:
        given["k"], given["k2"] = near[stream.below(len(near))], near[-1]
        parts.append(grammar.one("opener.near", given, stream))
        size += words_of(parts[-1])
    tails = grammar.entries("opener.tail")
    for place in stream.distinct(len(tails), 20):
        if size >= spec.low:
            break
        parts.append(capital(grammar.say(tails[place], given, stream)))
        size += words_of(parts[-1])
    if not spec.opening and len(parts) > 1 and stream.below(8) == 0:
        parts.append(parts.pop(0))
    return grammar.joint.join(parts)


def _styled(
    style: str, spec: Wanted, subject: str, root: str, used: set[Entry], grammar: Grammar, stream: Stream
) -> str:
    """An opening message of a sector that asks for something else than questions; begun as asked where a frame can."""
    given, name = {"t": subject, "root": root}, f"{style}.{spec.form}"
    fitting = grammar.beginning(name, spec.opening) if spec.opening else ()
    entries = fitting or grammar.entries(name)
    fresh = [entry for entry in entries if entry not in used] or [
        entry for entry in grammar.entries(name) if entry not in used
    ]
    entry = stream.pick(fresh or entries)
    used.add(entry)
    parts = [capital(grammar.say(entry, given, stream))]
    if grammar.has(f"{style}.lead") and not spec.opening and stream.share() < LEAD_SHARE:
        parts[0] = grammar.joined(capital(grammar.one(f"{style}.lead", given, stream)), parts[0])
    for fact in filter(None, (spec.fact, *spec.told)):
        parts.append(f"{capital(grammar.own(fact))}{grammar.stop_mark}")
    size = sum(map(words_of, parts))
    tails = grammar.entries(f"{style}.tail")
    for place in stream.distinct(len(tails), len(tails)):
        if size >= spec.low:
            break
        parts.append(capital(grammar.say(tails[place], given, stream)))
        size += words_of(parts[-1])
    return grammar.joint.join(parts)


def _small(name: str) -> str:
    return name[:1].lower() + name[1:]


def _frame(spec: Wanted, room: int, given: dict[str, str], grammar: Grammar, stream: Stream) -> Entry:
    """The first sentence: by its first word where one is asked for, else by its form."""
    name = LISTS[spec.form]
    if spec.opening:
        return asked_for(spec.opening, name, f"opener.{TABLES[spec.form]}", room, given, grammar, stream)
    if spec.high <= SHORT_WORDS and stream.below(3) == 0:
        name = "opener.fragment"
    return grammar.fitting(name, room, stream)
