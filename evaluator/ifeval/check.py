"""Which instructions of a prompt an answer follows, strictly and loosely (Zhou et al. 2023, arXiv 2311.07911)."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from dialogue.errors import UsageError
from evaluator.ifeval import rules
from evaluator.ifeval.rules import Rule

Variant = Literal["upstream", "fixed"]
"""As Google's published program decides, or with its faults mended."""

KINDS: Mapping[str, Rule] = {
    "keywords:existence": rules.existence,
    "keywords:frequency": rules.frequency,
    "keywords:forbidden_words": rules.forbidden,
    "keywords:letter_frequency": rules.letter_frequency,
    "language:response_language": rules.response_language,
    "length_constraints:number_sentences": rules.number_sentences,
    "length_constraints:number_paragraphs": rules.number_paragraphs,
    "length_constraints:number_words": rules.number_words,
    "length_constraints:nth_paragraph_first_word": rules.nth_paragraph_first_word,
    "detectable_content:number_placeholders": rules.number_placeholders,
    "detectable_content:postscript": rules.postscript,
    "detectable_format:number_bullet_lists": rules.number_bullets,
    "detectable_format:constrained_response": rules.constrained_response,
    "detectable_format:number_highlighted_sections": rules.number_highlights,
    "detectable_format:multiple_sections": rules.multiple_sections,
    "detectable_format:json_format": rules.json_format,
    "detectable_format:title": rules.title,
    "combination:two_responses": rules.two_responses,
    "combination:repeat_prompt": rules.repeat_prompt,
    "startend:end_checker": rules.end_checker,
    "startend:quotation": rules.quotation,
    "change_case:capital_word_frequency": rules.capital_word_frequency,
    "change_case:english_capital": rules.english_capital,
    "change_case:english_lowercase": rules.english_lowercase,
    "punctuation:no_comma": rules.no_comma,
}
"""Every instruction by its name in the data."""


def strict(
    response: str, instructions: Sequence[str], arguments: Sequence[Mapping[str, Any]], variant: Variant = "fixed"
) -> list[bool]:
    """Of each instruction whether the answer follows it as it stands; a blank answer follows none."""
    return [_follows(response, kind, given, variant) for kind, given in zip(instructions, arguments, strict=True)]


def loose(
    response: str, instructions: Sequence[str], arguments: Sequence[Mapping[str, Any]], variant: Variant = "fixed"
) -> list[bool]:
    """The same where it may be without its first line, its last, both, and without stars."""
    lines = response.split("\n")
    cuts = [lines[1:], lines[:-1], lines[1:-1]]
    shorter = [response, *("\n".join(cut).strip() for cut in cuts)]
    every = dict.fromkeys([*shorter, *(text.replace("*", "") for text in shorter)])
    return [
        any(_follows(text, kind, given, variant) for text in every)
        for kind, given in zip(instructions, arguments, strict=True)
    ]


def _follows(text: str, kind: str, given: Mapping[str, Any], variant: Variant) -> bool:
    rule = KINDS.get(kind)
    if rule is None:
        near = get_close_matches(kind, KINDS, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError(f"IFEval: {kind}: no such instruction{hint}")
    kept = {name: value for name, value in given.items() if value is not None}
    try:
        return bool(text.strip()) and rule(text, kept, variant == "upstream")
    except KeyError as missing:
        raise UsageError(f"IFEval: {kind}: no argument {missing}") from None
    except (TypeError, ValueError, AttributeError) as wrong:
        raise UsageError(f"IFEval: {kind}: {kept}: {wrong}") from None
