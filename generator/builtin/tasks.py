"""Tasks for the opener writer: new ones by what their line wants, or made from another by the operation it names."""

from functools import cache

from generator.builtin.grammar import Grammar, capital, words_of
from generator.builtin.notes import Wording
from generator.builtin.stream import Stream
from generator.builtin.topic import words_in
from prompts.loader import Prompts

TASK, INSTRUCTIONS = "Task", ("Start instruction", "Instruction")
"""Labels of the steps that hold a seed task, and an instruction to work on."""

FILES = tuple(f"sectors/self-instruct/{kind}.toml" for kind in ("classification", "closed", "open"))
OPERATIONS = "sectors/evol-instruct/operations.toml"
WITH_LINES = ("classification", "closed", "complicate")


@cache
def _named() -> dict[str, str]:
    """The list to take by each wording of what is wanted, in all languages."""
    found: dict[str, str] = {}
    for file in (*FILES, OPERATIONS):
        name = file.rpartition("/")[2].removesuffix(".toml")
        for words in Prompts().data(file).values():
            for kind, choices in words.get("wants", {}).items():
                found |= dict.fromkeys(choices, f"evolve.{kind}" if file == OPERATIONS else f"task.{name}")
    return found


def new_tasks(n: int, lines: tuple[str, ...], wording: Wording, grammar: Grammar, stream: Stream) -> list[str]:
    """As many tasks, all different, each of the kind that its line wants; without a line one that stands alone."""
    found: dict[str, None] = {}
    while len(found) < n:
        line = lines[len(found)] if len(found) < len(lines) else ""
        name = _list_of(line, "task.open")
        text = _with_fact(capital(grammar.one(name, {}, stream)), line, wording, grammar)
        found.setdefault(_with_lines(text, name, grammar, stream))
    return list(found)


def evolved(
    parent: str, n: int, lines: tuple[str, ...], wording: Wording, grammar: Grammar, stream: Stream
) -> list[str]:
    """As many instructions made from one, each by the operation of its line."""
    instruction, _, rest = parent.partition(" | ")
    words = words_in(instruction, grammar) or [grammar.one("bank.facet", {}, stream)]
    found: dict[str, None] = {}
    while len(found) < n:
        line = lines[len(found)] if len(found) < len(lines) else ""
        name = _list_of(line, "evolve.constrain")
        added = capital(grammar.one(name, {"k": stream.pick(words)}, stream))
        if name == "evolve.breadth":
            found.setdefault(_with_fact(added, line, wording, grammar))
            continue
        text = _with_lines(grammar.joint.join((instruction, added)), name, grammar, stream)
        head, _, given = text.partition("\n\n")
        given = "\n".join(filter(None, (rest.replace(" / ", "\n"), given)))
        found.setdefault("\n\n".join(filter(None, (head, given))))
    return list(found)


def _list_of(line: str, otherwise: str) -> str:
    """The list for what the line wants; another where it says so in words of the user's own."""
    wanted = max((wanted for wanted in _named() if wanted in line), key=len, default=None)
    return _named()[wanted] if wanted else otherwise


def _with_fact(text: str, line: str, wording: Wording, grammar: Grammar) -> str:
    spec = wording.spec(line)
    if not spec.fact or words_of(text) + words_of(spec.fact) > spec.high + 4:
        return text
    return grammar.joint.join((text, f"{capital(grammar.own(spec.fact))}{grammar.stop_mark}"))


def _with_lines(text: str, name: str, grammar: Grammar, stream: Stream) -> str:
    """The text and, where its list is of such, two to four lines to work on."""
    if name.partition(".")[2] not in WITH_LINES:
        return text
    entries = grammar.entries("task.line")
    lines = (
        capital(grammar.say(entries[place], {}, stream)) for place in stream.distinct(len(entries), 2 + stream.below(3))
    )
    return f"{text}\n\n" + "\n".join(lines)
