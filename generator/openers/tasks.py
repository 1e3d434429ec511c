"""Openers that are tasks: what their writer is told, which are barred, and what their seeds hold.

A task is an instruction and, behind an empty line, what it works on. It is made after seed tasks (Self-Instruct) or
from another instruction by an operation (Evol-Instruct); kind of task and operation are drawn by code.
"""

from collections.abc import Callable, Iterable, Sequence

from pydantic import JsonValue

from dialogue.chance import share
from dialogue.likeness import words
from dialogue.near import NearIndex
from dialogue.novelty import Bm25Index, Index, RougeIndex, rouge_l
from dialogue.records import Seed
from generator.openers.pool import NGRAM, Opener, instruction_of
from generator.openers.tree import Batch, Shelf
from generator.user.script import opener_spec
from prompts.bars import bars
from prompts.loader import Prompts
from prompts.names import words as wording
from prompts.sector import Level, Root, Sector
from prompts.wants import Wants, kinds_of, wants

BREADTH = "breadth"
"""The operation that makes a new instruction of the same domain, and so must leave the old one."""

LEAST_NEW = 3
"""Words that say something and that a deeper instruction has beyond its parent; with fewer it gained nothing."""

TOO_NEAR = 0.7
"""ROUGE-L from which a new instruction of the domain is the old one in other words."""


def task_specs(
    prompts: Prompts, sector: Sector, level: Level, language: str, run_seed: int, key: str, ids: Sequence[str]
) -> list[str]:
    """A line for each task of the list `key`, one for each dialogue id: who writes it, and what is wanted."""
    found, join = _wants(prompts, sector, level, language), wording(prompts, language)["opener"]["join"]
    specs = []
    for kind, id in zip(kinds_of(found, len(ids), run_seed, key), ids, strict=True):
        wanted, forms = found.line(kind, share(run_seed, id, "wanted")), found.form_weights(kind)
        spec = opener_spec(prompts, sector.column, language, run_seed, id, wanted=wanted, forms=forms)
        # Form and length of what is made from an instruction are those of the instruction and a little more.
        parts = ("persona", "knowledge", "style", "facts") if level.evolves else ()
        specs.append(join.join(spec[part] for part in parts if part in spec) if parts else spec["line"])
    return specs


def task_fault(prompts: Prompts, sector: Sector, batch: Batch, run_seed: int, column: int, text: str) -> str | None:
    """Why a task is left out, in one word: barred by the sector, or no gain over the instruction it was made from."""
    if sector.bar_file is None:
        return None
    rules = bars(prompts, sector.bar_file, batch.language)
    instruction, parent = instruction_of(text), batch.path[-1][1]
    if fault := rules.instruction_fault(instruction):
        return fault
    if not batch.level.evolves:
        return None
    if _kind(_wants(prompts, sector, batch.level, batch.language), run_seed, batch.key, column) == BREADTH:
        return "no_gain" if rouge_l(words(instruction), words(parent)) >= TOO_NEAR else None
    return "no_gain" if rules.new_words(text, parent) < LEAST_NEW else None


def task(prompts: Prompts, sector: Sector, run_seed: int, opener: Opener) -> tuple[str, Seed, tuple[str, str] | None]:
    """An opener's instruction, its seed with what it was made from, and what stands around it: what it works on."""
    instruction, _, input = opener.text.partition("\n\n")
    level, language = sector.level(opener.seed.kind or ""), opener.seed.language or "en"
    found = _wants(prompts, sector, level, language)
    number, column = opener.place
    kind = _kind(found, run_seed, f"{opener.stream}/{number}", column)
    extra: dict[str, JsonValue] = {"instruction": instruction, "input": input or None}
    if level.evolves:
        topic, made = opener.root.task.title if opener.root.task else None, _lineage(found, run_seed, opener, kind)
    else:
        topic, made = found.wanted(kind, share(run_seed, opener.id, "wanted")), _made_after(opener.shown, kind)
    seed = opener.seed.model_copy(update={"topic": topic, "extra": extra | made})
    return instruction, seed, ("", f"\n\n{input}") if input else None


def measure_of(sector: Sector, shelves: Iterable[Shelf], text_of: Callable[[int], str]) -> Index | None:
    """The sector's own measure of novelty, which knows the seed tasks already; None where it has none."""
    if sector.novelty is None:
        return None
    tasks = dict.fromkeys(root.task.instruction for shelf in shelves for root in _roots(shelf) if root.task)
    known, most = list(tasks), sector.novelty.most

    def text(number: int) -> str:
        return known[number] if number < len(known) else instruction_of(text_of(number - len(known)))

    measures: dict[str, Callable[[], Index]] = {
        "rouge-l": lambda: RougeIndex(most),
        "bm25": lambda: Bm25Index(most),
        "shingles": lambda: NearIndex(most, NGRAM, text),
    }
    index = measures[sector.novelty.measure]()
    index.extend(known)
    return index


def _roots(shelf: Shelf) -> Sequence[Root]:
    return _roots(shelf.above) if isinstance(shelf.above, Shelf) else shelf.above


def _wants(prompts: Prompts, sector: Sector, level: Level, language: str) -> Wants:
    return wants(prompts, sector.wants(level) or "", language)


def _kind(found: Wants, run_seed: int, key: str, column: int) -> str:
    """What the line of that column of the list wants."""
    return kinds_of(found, column + 1, run_seed, key)[column]


def _made_after(shown: Sequence[Root], kind: str) -> dict[str, JsonValue]:
    return {"type": kind, "examples": [root.task.id for root in shown if root.task]}


def _lineage(found: Wants, run_seed: int, opener: Opener, operation: str) -> dict[str, JsonValue]:
    """What the instruction was made from, by which operation, in which generation; and all before it."""
    start = opener.root.task
    line: list[JsonValue] = [{"generation": 0, "id": start.id if start else None, "instruction": opener.path[0][1]}]
    language = opener.stream.partition("/")[0]
    for generation, ((level, batch, column), (_, text)) in enumerate(zip(opener.way, opener.path[1:], strict=True), 1):
        kind = _kind(found, run_seed, f"{language}/{level}/{batch}", column)
        line.append({"generation": generation, "operation": kind, "instruction": text})
    return {
        "operation": operation,
        "generation": len(line),
        "parent": opener.path[-1][1],
        "lineage": line,
    }
