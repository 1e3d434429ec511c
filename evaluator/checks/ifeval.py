"""IFEval: instructions that a program can check (Zhou et al. 2023, arXiv 2311.07911).

Each figure twice: as the corrected checks have it, and `_upstream` as Google's published program has it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.errors import UsageError
from evaluator.check import Check, Grades
from evaluator.ifeval.check import Variant, loose, strict
from evaluator.records import Answer, Item

PROBE = "word"


class IfEval(Check):
    """Prompts that follow all their instructions, and instructions that were followed; strict and loose."""

    headline = "prompt_strict"
    figures = (
        *("prompt_strict", "instruction_strict", "prompt_loose", "instruction_loose"),
        *("prompt_strict_upstream", "instruction_strict_upstream"),
        *("prompt_loose_upstream", "instruction_loose_upstream"),
    )

    def fits(self, item: Item) -> str | None:
        """It needs instructions that there are, with all their arguments: each is tried on a word."""
        names, arguments = item.row.get("instruction_id_list"), item.row.get("kwargs")
        if not isinstance(names, list) or not isinstance(arguments, list) or len(names) != len(arguments):
            return "no instruction_id_list and kwargs of one length"
        try:
            strict(PROBE, names, [part or {} for part in arguments])
        except UsageError as error:
            return str(error)
        return None

    def grades(self, item: Item, answer: Answer) -> Grades:
        """One grade a prompt and one an instruction, each in both variants."""
        text = answer.turns[-1] if answer.turns else ""
        names: Sequence[str] = item.row["instruction_id_list"]
        arguments: Sequence[Mapping[str, Any]] = [part or {} for part in item.row["kwargs"]]
        found: dict[str, list[float]] = {}
        variants: tuple[tuple[Variant, str], ...] = (("fixed", ""), ("upstream", "_upstream"))
        for variant, suffix in variants:
            for kind, rule in (("strict", strict), ("loose", loose)):
                followed = rule(text, names, arguments, variant)
                found[f"prompt_{kind}{suffix}"] = [float(all(followed))]
                found[f"instruction_{kind}{suffix}"] = [float(one) for one in followed]
        return found
