"""Seed tasks, bars and kinds: the files of the sectors that make tasks, and files of a user's own."""

import os
from collections import Counter
from pathlib import Path

import pytest

from dialogue.errors import UsageError
from dialogue.likeness import words
from dialogue.novelty import rouge_l
from prompts.bars import Bars, bars
from prompts.loader import Prompts
from prompts.sector import load, roots
from prompts.seed_tasks import KINDS, Task, in_one_line, tasks
from prompts.wants import kinds_of, wants

PROMPTS = Prompts()
SEEDS = PROMPTS.read("sectors/self-instruct/seeds.jsonl")
STARTS = PROMPTS.read("sectors/evol-instruct/starts.jsonl")
BLACKLIST, ELIMINATION = "sectors/self-instruct/blacklist.toml", "sectors/evol-instruct/elimination.toml"
SHARED = Path(os.environ.get("DUOLOGUE_SHARED", "/nowhere")) / "data" / "dialogues"


@pytest.mark.parametrize(("language", "least"), [("en", 60), ("zh", 60), ("zh-TW", 60)])
def test_sixty_seeds_in_each_language_are_new_beside_one_another_and_not_barred(language: str, least: int) -> None:
    found = tasks(SEEDS, "seeds", "any", language, shown=True)
    assert len(found) >= least
    assert {task.kind for task in found} == set(KINDS)
    assert all(bool(task.input) == (task.kind != "open") for task in found)
    rules = bars(PROMPTS, BLACKLIST, language)
    assert [task.instruction for task in found if rules.instruction_fault(task.instruction)] == []
    for place, task in enumerate(found):
        assert all(rouge_l(words(task.instruction), words(other.instruction)) < 0.7 for other in found[:place])


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr"])
def test_every_language_has_starts_and_seeds_of_all_kinds(language: str) -> None:
    assert len(tasks(STARTS, "starts", "any", language, shown=True)) >= 40
    for kind in KINDS:
        assert {task.kind for task in tasks(SEEDS, "seeds", kind, language, shown=True)} == {kind}


def test_rows_are_read_as_self_instruct_belle_alpaca_and_plain_lines_have_them() -> None:
    text = """{"id": "s1", "instruction": "Sort it.", "instances": [{"input": "a b"}], "is_classification": true}
{"instruction": "Cut it down.", "input": "x\\ny", "output": "z"}
Name three birds.
{"instruction": "Sing.", "instances": [{"input": "", "output": "la"}], "is_classification": false}
"""
    found = tasks(text, "f", "any", "en", shown=False)
    assert [(task.kind, task.instruction, task.input) for task in found] == [
        ("classification", "Sort it.", "a b"),
        ("closed", "Cut it down.", "x\ny"),
        ("open", "Name three birds.", ""),
        ("open", "Sing.", ""),
    ]
    assert found[0].id == "s1"
    assert [task.line for task in tasks(text, "f", "closed", "en", shown=False)] == ["Cut it down. | x / y"]


def test_a_file_without_a_kind_gives_all_that_it_has() -> None:
    assert len(tasks("Name a bird.\nName a fish.\n", "f", "classification", "en", shown=False)) == 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "f: empty"),
        ('{"instruction": 3}', "f:1: instruction: '3' is a int"),
        ('One.\n{"instruction"', "f:2: not JSON"),
        ('[{"instruction": "a b"}]', "f:1: a list, expected a JSON object"),
        ('{"instruction": "..."}', "f:1: instruction: no word in it"),
        ('{"instruction": "a b", "kind": "shut"}', "f:1: kind: got 'shut', expected classification, closed, open"),
        ("One bird.\n\nOne bird.", "f:3: 'One bird.' stands in line 1 already"),
        ('{"instruction": "a b", "language": "de"}', r"f: no task in en \(there are: de\)"),
    ],
)
def test_a_row_that_is_no_task_is_refused_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        tasks(text, "f", "any", "en", shown=False)


@pytest.mark.parametrize("name", ["self_instruct_seed_tasks.jsonl", "belle_zh_seed_tasks.json"])
@pytest.mark.skipif(not SHARED.exists(), reason="DUOLOGUE_SHARED is not set")
def test_the_originals_seed_files_can_be_brought(name: str) -> None:
    sector = load(PROMPTS, "self-instruct")
    counts = {level.name: len(roots(PROMPTS, sector, level, "zh", SHARED / name)) for level in sector.levels}
    assert sum(counts.values()) == 175
    assert counts["classification"] == 26


def test_a_task_of_several_lines_is_one_line_of_the_prompt() -> None:
    assert in_one_line("Do  it.\n\na\n b\n\nc") == "Do it. | a / b / c"
    assert Task(id="1", kind="open", instruction="Do it.").line == "Do it."


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Describe the picture on the wall for a blind man.", "blacklist"),
        ("Open the attached FILE and count its lines.", "blacklist"),
        ("Write a program that sorts five numbers.", "start"),
        ("- Name the birds of the harbour.", "start"),
        ("Name three birds", "length"),
        ("word " * 151, "length"),
        ("... !", "empty"),
        ("Depict a profiled filet with photogenic imagery.", None),
    ],
)
def test_the_blacklist_bars_what_text_alone_cannot_do_and_nothing_that_only_looks_so(
    text: str, fault: str | None
) -> None:
    assert bars(PROMPTS, BLACKLIST, "en").instruction_fault(text) == fault


def test_bars_of_chinese_are_found_within_a_sentence_and_serve_their_languages() -> None:
    assert bars(PROMPTS, BLACKLIST, "zh").instruction_fault("描述这张图片里的人") == "blacklist"
    assert bars(PROMPTS, BLACKLIST, "zh").instruction_fault("用GPT写一首诗") == "blacklist"
    assert bars(PROMPTS, BLACKLIST, "zh-TW").instruction_fault("描述這張圖片裡的人") == "blacklist"
    assert bars(PROMPTS, BLACKLIST, "fr") is not None


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ("I'm sorry, I cannot do that.", "sorry"),
        ("Sorry for the long answer. " + "A word more. " * 40, None),
        ("I was not sorry at all, " + "and went on and on " * 20, None),
        ("It is what it is.", "empty"),
        ("...", "empty"),
        ("Forty-two.", None),
    ],
)
def test_an_answer_that_gives_up_or_says_nothing_eliminates(answer: str, fault: str | None) -> None:
    assert bars(PROMPTS, ELIMINATION, "en").answer_fault(answer) == fault


def test_new_words_are_those_that_say_something_and_stand_in_no_parent() -> None:
    rules = Bars(empty=("the", "a"))
    assert rules.new_words("Sort the red and blue cups", "Sort a cups") == 3
    assert rules.new_words("Sort the cups", "Sort a cups") == 0


@pytest.mark.parametrize("language", ["en", "zh", "zh-TW", "fr"])
@pytest.mark.parametrize("name", ["self-instruct", "evol-instruct"])
def test_every_kind_is_worded_and_six_operations_come_equally_often(name: str, language: str) -> None:
    sector = load(PROMPTS, name)
    for level in sector.levels:
        found = wants(PROMPTS, sector.wants(level) or "", language)
        drawn = Counter(kinds_of(found, 1, "key", number)[0] for number in range(600))
        assert set(drawn) == set(found.kinds)
        if name == "evol-instruct":
            assert set(found.kinds) == {"constrain", "deepen", "concretise", "reason", "complicate", "breadth"}
            assert max(drawn.values()) - min(drawn.values()) < 60
