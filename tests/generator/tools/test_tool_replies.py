"""What is a reply with a thought and commands or an answer, and what is none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.tools.commands import Command, shown
from generator.tools.replies import Broken, Reply, read_reply
from generator.tools.tool import Result
from prompts.tasks import TOOLS


def read(text: str, most: int = 3, enabled: tuple[str, ...] = TOOLS) -> Reply:
    return read_reply(text, enabled=enabled, most=most)


def test_a_thought_and_commands() -> None:
    text = 'Thought: Two sums,\nthen.\n\nCommand: Calculate("2 + 3")\nCommand: Solve("2x = 4")\n'
    assert read(text) == Reply("Two sums, then.", (Command("Calculate", "2 + 3"), Command("Solve", "2x = 4")))


def test_a_thought_and_an_answer_to_the_end() -> None:
    assert read("Thought: Easy.\nAnswer: It is 5.\n\n- because\n- so: it is") == Reply(
        "Easy.", answer="It is 5.\n\n- because\n- so: it is"
    )
    assert read("Thought：想\nAnswer：是5。") == Reply("想", answer="是5。")


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("It is 5.", "shape"),
        ("Answer: It is 5.", "shape"),
        ("Thought: It is 5.", "shape"),
        ("Thought:\nAnswer: 5", "shape"),
        ("Thought: x\nAnswer:", "shape"),
        ("Sure!\nThought: x\nAnswer: 5", "shape"),
        ("**Thought:** x\n**Answer:** 5", "shape"),
        ("Thought: x\nThought: y\nAnswer: 5", "shape"),
        ('Thought: x\nAnswer: 5\nCommand: Calculate("2")', "shape"),
        ("Thought: x\nAnswer: 5\nThought: y\nAnswer: 6", "shape"),
        ('Thought: x\nCommand: Calculate("2")\nResults: 2\nAnswer: 2', "invented_result"),
        ('Thought: x\nCommand: Calculate("2") => 2', "no_command"),
        ('Thought: x\nCommand: Calculate("2")\nIt is 2.', "invented_result"),
        ("Thought: x\nCommand: Calculate(2 + 3)", "no_command"),
        ("Thought: x\nCommand:", "no_command"),
        ('Thought: x\nCommand: Weather("Rome")', "no_command"),
        ('Thought: x\nCommand: __import__("os")', "no_command"),
        ("Thought: x\n" + 'Command: Calculate("2")\n' * 4, "too_many_commands"),
    ],
)
def test_what_is_not_so_is_asked_again_by_its_check(text: str, check: str) -> None:
    with pytest.raises(Broken) as caught:
        read(text)
    assert caught.value.check == check
    assert len(str(caught.value)) < 120


def test_a_tool_that_is_off_is_refused_before_anything_is_executed() -> None:
    for text in ('Thought: x\nCommand: Search("tea")', 'Thought: x\nCommand: Solve("x=1")\nCommand: Search("tea")'):
        with pytest.raises(Broken, match="disabled_tool"):
            read(text, enabled=("Calculate", "Solve"))


def test_after_results_there_are_no_more_commands() -> None:
    with pytest.raises(Broken, match="second_command"):
        read('Thought: x\nCommand: Calculate("2")', most=0)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for each in (text, f"Thought: x\nCommand: {text}", f"Thought: {text}\nAnswer: y"):
        try:
            found = read(each)
        except Broken:
            continue
        assert found.thoughts
        assert bool(found.commands) != bool(found.answer)


def test_results_are_shown_as_moss_shows_them() -> None:
    assert shown(Command("Calculate", "2+3"), Result("5")) == 'Calculate("2+3") => 5'
    assert shown(Command("Solve", "x=1"), Result("x = 1\ny = 2")) == 'Solve("x=1") =>\nx = 1\ny = 2'
    assert shown(Command("Search", "tea"), Result("")) == 'Search("tea") => No results.'
    assert shown(Command("Search", "茶"), Result("[1] 茶")) == 'Search("茶") =>\n[1] 茶'
    assert shown(Command("Calculate", "1/0"), Result(error="division by zero")) == (
        'Calculate("1/0") => Error: division by zero.'
    )
