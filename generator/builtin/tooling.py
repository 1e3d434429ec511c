"""The assistant with tools, and the openers that bring it a task.

Which command helps is known by the wording of the tasks themselves (prompts/sectors/tool-use/tools.toml): an opener of
builtin's has the task's clause in it, so what stands in its slots goes into the command. Anything else is looked up by
its topic, or answered as it is.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import orjson

from generator.builtin.answers import answer
from generator.builtin.calculator import find_sum
from generator.builtin.faults import planted
from generator.builtin.grammar import HOME, Grammar, capital
from generator.builtin.stream import Stream
from generator.builtin.topic import phrase_of
from prompts.loader import Prompts
from prompts.tasks import TOOLS, kinds

FILE = "sectors/tool-use/tools.toml"
SLOT = re.compile(r"\{(\w+)\}")
FIGURE = re.compile(r"[0-9]+(?:\.[0-9]+)?")
RESULT = re.compile(r'^([A-Z]\w+)\(("(?:[^"\\]|\\.)*")\) =>[ \n]', re.MULTILINE)

LOOKED_UP = 0.35
"""Share of the messages without a task that are looked up, where the search is on."""

RATES = {"shape": 0.01, "disabled": 0.01, "broken": 0.04}
"""Share of replies with commands, by fault: no thought; a tool that is off; an argument that no tool can read."""

RESULTS = "Results:"
"""How a message with results begins."""

READ_CHARACTERS = 600


class Wish(NamedTuple):
    """A command that helps."""

    tool: str
    argument: str


class Form(NamedTuple):
    """A kind of task as it is found in a message."""

    pattern: re.Pattern[str]
    then: re.Pattern[str]
    """What changes a figure of it later."""
    tool: str
    argument: str


def has_tools(system: str) -> bool:
    """Whether the system text asks for thoughts and commands."""
    return "\nThought: " in system and "\nAnswer: " in system


def tool_turn(
    system: str,
    texts: Sequence[str],
    last: str,
    again: bool,
    language: str,
    grammar: Grammar,
    stream: Stream,
    wrong_share: float,
    faults: float,
) -> str:
    """A reply in the shape asked for: commands, or a thought and an answer. `texts` are the user's turns."""
    say = _wording(language)
    if last.startswith(RESULTS):
        return _from_results(last, say, stream)
    enabled = [tool for tool in TOOLS if f'{tool}("' in system]
    wish = _task_wish(texts, last, language) or _wish(last, language, grammar, stream)
    if wish is None or wish.tool not in enabled:
        fault = None if again or wish is None else planted({"disabled": RATES["disabled"]}, faults, stream)
        if fault and wish:
            return _commanded(wish, say, stream)
        thought = stream.pick(say["thought"]["without" if wish else "plain"])
        return f"Thought: {thought}\nAnswer: {answer(list(texts), language, grammar, stream, wrong_share, faults)}"
    fault = None if again else planted(RATES, faults, stream)
    if fault == "shape":
        return f"Command: {wish.tool}({orjson.dumps(wish.argument).decode()})"
    if fault == "broken" and wish.tool != "Search":
        wish = wish._replace(argument=f"{wish.argument} + ?")
    elif wish.tool != "Search" and stream.share() < wrong_share:
        wish = wish._replace(argument=FIGURE.sub(lambda found: f"{found[0]}0", wish.argument, count=1))
    return _commanded(wish, say, stream)


def task_opener(task: str, form: str, language: str, stream: Stream) -> str:
    """An opening message that asks for the task of a spec."""
    say = _wording(language)["ask"]
    kind = "reckoning" if any(form.pattern.fullmatch(task) for form in forms(language)) else "lookup"
    topic = task.partition(": ")[0] if ": " in task[:80] else task[:30]
    return capital(str(stream.pick(say[kind][form])).format(x=task, t=topic.removeprefix("The ")))


def _commanded(wish: Wish, say: Mapping[str, Any], stream: Stream) -> str:
    thought = stream.pick(say["thought"][wish.tool])
    return f"Thought: {thought}\nCommand: {wish.tool}({orjson.dumps(wish.argument).decode()})"


def _task_wish(texts: Sequence[str], last: str, language: str) -> Wish | None:
    """The command for a task in the message, or in the first one where this one changes a figure of it."""
    first, low = lowered(texts[0]), last[:READ_CHARACTERS].lower()
    for form in forms(language):
        if task := form.pattern.search(lowered(last)):
            return Wish(form.tool, form.argument.format_map(task.groupdict()))
        then = form.then.search(low)
        if then and (task := form.pattern.search(first)):
            return Wish(form.tool, form.argument.format_map({**task.groupdict(), **then.groupdict()}))
    return None


def lowered(message: str) -> str:
    """The beginning of a message, without its capital."""
    return message[:1].lower() + message[1:READ_CHARACTERS]


def _wish(message: str, language: str, grammar: Grammar, stream: Stream) -> Wish | None:
    """The command for a message without a task: its sum's, or a search for what it is about."""
    text, low = message[:READ_CHARACTERS], lowered(message)
    if found_sum := find_sum(text):
        return Wish("Calculate", found_sum.text)
    for asked in _lookups(language):
        if about := asked.search(low):
            return Wish("Search", about["t"])
    topic = phrase_of(text, grammar)
    return Wish("Search", topic) if topic and stream.share() < LOOKED_UP else None


def _from_results(last: str, say: Mapping[str, Any], stream: Stream) -> str:
    """The answer that the first result gives."""
    found = RESULT.search(last)
    tool = found[1] if found else "Search"
    value = last[found.end() :].split("\n\n")[0].strip() if found else ""
    asked = orjson.loads(found[2]) if found else ""
    if not value or value == "No results.":
        how, text = "nothing", str(stream.pick(say["answer"]["nothing"])).format(q=asked)
    elif value.startswith("Error: "):
        how, text = "failed", str(stream.pick(say["answer"]["failed"])).format(q=asked)
    else:
        first = value.split("\n")[0].removeprefix("[1] ") if tool == "Search" else ", ".join(value.split("\n"))
        how, text = "found", str(stream.pick(say["answer"][tool])).format(v=first)
    return f"Thought: {stream.pick(say['thought'][how])}\nAnswer: {text}"


@cache
def forms(language: str, file: str = FILE) -> tuple[Form, ...]:
    """All kinds of tasks of a language, as they are found in a message."""
    prompts = Prompts()
    tool_of = prompts.data(file)["tool_of"]
    return tuple(
        Form(re.compile(_pattern(kind.task)), re.compile(_pattern(kind.then)), tool_of[level], kind.argument)
        for level, rows in kinds(prompts, file, language).items()
        for kind in rows
    )


@cache
def _lookups(language: str) -> tuple[re.Pattern[str], ...]:
    """How openers ask for something to be looked up."""
    lines = [line for form in _wording(language)["ask"]["lookup"].values() for line in form]
    return tuple(
        re.compile(re.escape(line[:1].lower() + line[1:]).replace(r"\{t\}", "(?P<t>.{2,80}?)")) for line in lines
    )


def _pattern(task: str) -> str:
    """The clause with a group for each slot; a slot that comes again holds the same figure."""
    seen: set[str] = set()
    parts = []
    for place, part in enumerate(SLOT.split(task)):
        if place % 2 == 0:
            parts.append(re.escape(part))
        else:
            parts.append(rf"(?P={part})" if part in seen else rf"(?P<{part}>[0-9]+(?:\.[0-9]+)?)")
            seen.add(part)
    return "".join(parts)


@cache
def _wording(language: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = tomllib.loads((HOME / "tools.toml").read_text(encoding="utf-8"))[language]
    return table
