"""IFEval's checks: the published verdicts, and each kind with an answer that follows and one that does not."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.errors import UsageError
from evaluator.check import check
from evaluator.ifeval.check import KINDS, loose, strict
from evaluator.records import Item

NO_LETTER = 1129
"""The prompt whose letter to count is none: upstream draws one by chance."""


@pytest.fixture(scope="module")
def rows(shared: Path) -> list[dict[str, Any]]:
    file = shared / "data" / "judge_cases" / "ifeval" / "gpt4_with_official_verdicts.jsonl.gz"
    found = [json.loads(line) for line in gzip.decompress(file.read_bytes()).decode().split("\n") if line]
    return [row for row in found if row["key"] != NO_LETTER]


def verdicts(rows: list[dict[str, Any]], rule: Any) -> list[bool]:
    return [
        verdict
        for row in rows
        for verdict in rule(row["response"], row["instruction_id_list"], row["kwargs"], "upstream")
    ]


def agreeing(rows: list[dict[str, Any]]) -> tuple[int, int, int]:
    """Verdicts that are Google's, strict and loose, of how many."""
    official = [[one for row in rows for one in row[f"official_{kind}"]] for kind in ("strict", "loose")]
    mine = [verdicts(rows, strict), verdicts(rows, loose)]
    same = [sum(a == b for a, b in zip(*pair, strict=True)) for pair in zip(official, mine, strict=True)]
    return same[0], same[1], len(mine[0])


def test_at_least_995_of_a_thousand_verdicts_are_googles(rows: list[dict[str, Any]]) -> None:
    same_strict, same_loose, n = agreeing(rows)
    assert n == 417
    assert same_strict >= 0.995 * n
    assert same_loose >= 0.995 * n


def test_the_stored_verdicts_sum_to_the_published_shares(shared: Path) -> None:
    folder = shared / "data" / "judge_cases" / "ifeval"
    data = gzip.decompress((folder / "gpt4_with_official_verdicts.jsonl.gz").read_bytes()).decode()
    every = [json.loads(line) for line in data.split("\n") if line]
    published = json.loads((folder / "published.json").read_text())["recomputed"]
    for kind in ("strict", "loose"):
        verdicts_ = [row[f"official_{kind}"] for row in every]
        assert [sum(map(all, verdicts_)), len(verdicts_)] == published[f"prompt_{kind}"]
        assert [sum(map(sum, verdicts_)), sum(map(len, verdicts_))] == published[f"inst_{kind}"]


def test_a_changed_verdict_is_noticed(rows: list[dict[str, Any]]) -> None:
    before = agreeing(rows)[0]
    changed = [dict(row) for row in rows]
    changed[0]["official_strict"] = [not one for one in changed[0]["official_strict"]]
    assert agreeing(changed)[0] == before - len(changed[0]["official_strict"])


def test_loose_is_never_stricter_than_strict(rows: list[dict[str, Any]]) -> None:
    assert all(b or not a for a, b in zip(verdicts(rows, strict), verdicts(rows, loose), strict=True))


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("keywords:existence", {"keywords": ["tide", "moon"]}, "The Tide follows the moon.", "The tide."),
    ("keywords:frequency", {"keyword": "tide", "frequency": 2, "relation": "at least"}, "tide, tides", "tide"),
    ("keywords:forbidden_words", {"forbidden_words": ["rock"]}, "A rocket.", "A rock."),
    ("keywords:letter_frequency", {"letter": "z", "let_frequency": 2, "let_relation": "at least"}, "Zz", "z"),
    ("language:response_language", {"language": "de"}, "Das ist ein Satz über das Wetter.", "This is English."),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}, "One. Two.", "Only one"),
    ("length_constraints:number_paragraphs", {"num_paragraphs": 2}, "a\n***\nb", "a\n***\n\n***\nb"),
    ("length_constraints:number_words", {"num_words": 3, "relation": "less than"}, "two words", "now three words"),
    (
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Moon"},
        "Tide.\n\n'Moon, he said.",
        "Moon.\n\nTide.",
    ),
    ("detectable_content:number_placeholders", {"num_placeholders": 2}, "[name] at [place]", "[name]"),
    ("detectable_content:postscript", {"postscript_marker": "P.P.S"}, "So.\nP.P.S. More", "So.\nP.S. More"),
    ("detectable_format:number_bullet_lists", {"num_bullets": 2}, "* a\n- b", "* a\n* b\n* c"),
    ("detectable_format:constrained_response", {}, "My answer is maybe.", "Maybe."),
    ("detectable_format:number_highlighted_sections", {"num_highlights": 1}, "*this*", "**"),
    (
        "detectable_format:multiple_sections",
        {"section_spliter": "SECTION", "num_sections": 2},
        "SECTION 1\na\nSECTION 2\nb",
        "SECTION 1",
    ),
    ("detectable_format:json_format", {}, '```json\n{"a": 1}\n```', "{a: 1}"),
    ("detectable_format:title", {}, "<<Tides>>\nThe sea", "<<>>"),
    ("combination:two_responses", {}, "a\n******\nb", "a\n******\na"),
    ("combination:repeat_prompt", {"prompt_to_repeat": "Write it."}, "Write it. Here.", "Here."),
    ("startend:end_checker", {"end_phrase": "Bye."}, 'So. "Bye."', "Bye. Then"),
    ("startend:quotation", {}, '"quoted"', '"'),
    ("change_case:capital_word_frequency", {"capital_frequency": 2, "capital_relation": "less than"}, "ONE", "ONE TWO"),
    ("change_case:english_capital", {}, "THIS IS ENGLISH, AND LOUD", "This is not"),
    ("change_case:english_lowercase", {}, "this is english, and quiet", "This is not"),
    ("punctuation:no_comma", {}, "No such mark", "One, two"),
]


@pytest.mark.parametrize(("kind", "arguments", "good", "bad"), CASES, ids=[case[0] for case in CASES])
def test_each_kind_tells_what_follows_from_what_does_not(
    kind: str, arguments: dict[str, Any], good: str, bad: str
) -> None:
    for variant in ("upstream", "fixed"):
        assert strict(good, [kind], [arguments], variant) == [True]  # type: ignore[arg-type]
        assert strict(bad, [kind], [arguments], variant) == [False]  # type: ignore[arg-type]


def test_there_are_twenty_five_kinds_and_each_is_tried() -> None:
    assert len(KINDS) == 25
    assert {case[0] for case in CASES} == set(KINDS)


def test_a_sign_that_is_no_letter_is_counted_as_it_is() -> None:
    given_ = {"letter": "#", "let_frequency": 2, "let_relation": "at least"}
    assert strict("# one\n# two", ["keywords:letter_frequency"], [given_]) == [True]


def test_an_empty_paragraph_moves_the_nth_only_upstream() -> None:
    given_ = {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "moon"}
    text = "\n\nTide.\n\nMoon."
    kind = ["length_constraints:nth_paragraph_first_word"]
    assert strict(text, kind, [given_], "fixed") == [True]
    assert strict(text, kind, [given_], "upstream") == [False]


def test_a_keyword_that_is_no_pattern_is_found_in_the_corrected_checks() -> None:
    arguments = {"keywords": ["C++ (and C)"]}
    assert strict("I like C++ (and C).", ["keywords:existence"], [arguments], "fixed") == [True]
    assert strict("I like C++ (and C).", ["keywords:existence"], [arguments], "upstream") == [False]


def test_a_blank_answer_follows_nothing() -> None:
    assert strict(" \n", ["punctuation:no_comma"], [{}]) == [False]
    assert loose("", ["punctuation:no_comma"], [{}]) == [False]


def test_an_unknown_kind_names_the_near_ones_and_a_missing_argument_is_told() -> None:
    with pytest.raises(UsageError, match="did you mean length_constraints:number_words"):
        strict("a", ["length_constraint:number_words"], [{}])
    with pytest.raises(UsageError, match="no argument 'relation'"):
        strict("a", ["length_constraints:number_words"], [{"num_words": 3, "relation": None}])


def test_a_line_separator_is_no_line_break() -> None:
    bullets = {"num_bullets": 1}
    assert strict("* one\u2028* not another", ["detectable_format:number_bullet_lists"], [bullets]) == [True]


@pytest.mark.parametrize(
    "text", ["word, " * 200_000, "[" * 50_000 + "*" * 50_000, "ha" * 200_000, "哈" * 200_000, "\n" * 200_000]
)
def test_a_huge_answer_is_checked_in_a_breath(text: str) -> None:
    for kind, arguments, _, _ in CASES:
        strict(text, [kind], [arguments])


def test_a_keyword_whose_search_would_take_for_ever_is_taken_at_its_letters() -> None:
    arguments = {"keywords": ["(a+)+$"]}
    assert strict("a" * 40 + "!", ["keywords:existence"], [arguments], "upstream") == [False]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("length_constraints:number_words", {"num_words": 3, "relation": "at most"}),
        ("length_constraints:number_words", {"num_words": 3}),
        ("length_constraints:number_words", {"num_words": "abc", "relation": "at least"}),
        ("keywords:frequency", {"keyword": 3, "frequency": 1, "relation": "at least"}),
    ],
)
def test_arguments_that_mean_nothing_are_told(kind: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=f"IFEval: {kind}"):
        strict("word", [kind], [arguments])
    item = Item(benchmark="b", id="1", turns=("q",), row={"instruction_id_list": [kind], "kwargs": [arguments]})
    assert kind in str(check("ifeval").fits(item))


def test_the_corrected_checks_know_chinese_ends_and_words_that_end_in_signs() -> None:
    sentences = {"num_sentences": 2, "relation": "at least"}
    assert strict("今天很好。明天也好！", ["length_constraints:number_sentences"], [sentences]) == [True]
    for word, text in ((".NET", "I use .NET here."), ("天气", "今天天气很好")):
        for variant, kept in (("fixed", False), ("upstream", True)):
            found = strict(text, ["keywords:forbidden_words"], [{"forbidden_words": [word]}], variant)  # type: ignore[arg-type]
            assert found == [kept]


@given(text=st.text(st.sampled_from("ab*\n ,.[]\"'<>#1A-"), max_size=80))
def test_whatever_is_followed_strictly_is_followed_loosely(text: str) -> None:
    kinds, arguments = [case[0] for case in CASES], [case[1] for case in CASES]
    hard, soft = strict(text, kinds, arguments), loose(text, kinds, arguments)
    assert all(b or not a for a, b in zip(hard, soft, strict=True))
