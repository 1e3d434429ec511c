"""Lists as opener writers really send them."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from generator.openers.items import plain, strip_own_numbers, strip_quotes
from generator.openers.lists import LIST_SCHEMA, parse_list

THREE = ["Why is the sky blue?", "My bread won't rise.", "trains in Japan vs France"]
NUMBERED = list(enumerate(THREE, 1))


def texts(answer: str, expected: int = 3, finish_reason: str | None = "stop") -> list[str]:
    return [item for _, item in parse_list(answer, finish_reason, expected)]


def as_json(items: list[str]) -> str:
    return json.dumps([{"i": i, "text": item} for i, item in enumerate(items, 1)], ensure_ascii=False)


ARRAY = as_json(THREE)


@pytest.mark.parametrize(
    "answer",
    [
        ARRAY,
        f"Here are 3 opening messages, as you asked:\n\n{ARRAY}",
        f"Here are [three] of them: {ARRAY} I hope these help! Let me know [if] you need more.",
        f"```json\n{ARRAY}\n```",
        f"```json\n{ARRAY}\n```\n\nOr once more, formatted:\n\n```json\n{ARRAY.replace('sky', 'sea')}\n```",
        json.dumps({"items": json.loads(ARRAY)}),
        json.dumps({"title": "Openers", "questions": THREE}),
        json.dumps({"count": 3, "data": {"questions": THREE}}),
        json.dumps({"1": THREE[0], "2": THREE[1], "3": THREE[2]}),
        json.dumps({"question_1": THREE[0], "question_2": THREE[1], "question_3": THREE[2]}),
        json.dumps([{"1": THREE[0]}, {"2": THREE[1]}, {"3": THREE[2]}]),
        json.dumps(THREE),
        json.dumps([{"number": "1.", "question": THREE[0]}, *json.loads(ARRAY)[1:]]),
        json.dumps([{"i": i, "text": f"{i + 1}. {item}"} for i, item in enumerate(THREE)]),
        "\n".join(json.dumps(item) for item in json.loads(ARRAY)),
        ARRAY.replace("}]", "},]"),
        ARRAY.replace('"', "“"),
        "\ufeff" + ARRAY.replace("Why", "\u200bWhy"),
    ],
)
def test_json_in_all_its_shapes_gives_the_same_list(answer: str) -> None:
    assert parse_list(answer, "stop", 3) == NUMBERED


@pytest.mark.parametrize(
    "style",
    [
        "{}. ",
        "{})",
        "{}: ",
        "({}) ",
        "{}、",
        "{}．",
        "（{}）",
        "**{}.** ",
        "## {}. ",
        "  {}. ",
        "\u200f{}. ",
        "Question {}: ",
        "Q{}. ",
    ],
)
def test_numbers_are_read_in_every_style(style: str) -> None:
    answer = "\n".join(style.format(i) + item for i, item in NUMBERED)
    assert parse_list(answer, "stop", 3) == NUMBERED
    assert parse_list(f"Here you go:\n\n{answer}\n\nLet me know if you'd like more!", "stop", 3) == NUMBERED
    assert parse_list(f"```\n{answer}\n```\nI hope these questions are useful.", "stop", 3) == NUMBERED


def test_full_width_and_chinese_numerals_are_numbers() -> None:
    assert texts("１．水為什麼會結冰？\n２．台北的捷運怎麼轉乘\n３．媽媽咳嗽兩週了") == [
        "水為什麼會結冰？",
        "台北的捷運怎麼轉乘",
        "媽媽咳嗽兩週了",
    ]
    eleven = "\n".join(f"{'一二三四五六七八九十'[i] if i < 10 else '十一'}、第{i}题" for i in range(11))
    assert parse_list(eleven, "stop", 11)[-1] == (11, "第10题")


def test_numbers_that_restart_are_counted_through() -> None:
    answer = "### Everyday\n1. a b\n2. c d\n3. e f\n\n### For experts\n1. g h\n2. i j\n3. k l"
    assert parse_list(answer, "stop", 6) == list(enumerate(["a b", "c d", "e f", "g h", "i j", "k l"], 1))


def test_numbers_that_restart_without_giving_the_expected_count_are_refused() -> None:
    with pytest.raises(ValueError, match="restart"):
        parse_list("1. a\n2. b\n3. c\n4. d\n1. e\n2. f", "stop", 5)
    with pytest.raises(ValueError, match="after number 2 comes 2"):
        parse_list("1. Which is right?\n1. this\n2. that\n2. Next question", "stop", 2)


def test_lists_within_an_item_belong_to_it() -> None:
    answer = (
        "1. Pick one:\n   - red\n   - blue\n2. Order these:\n1. eggs\n2. flour\n3. Rank:\n(1) tea\n(2) milk\n(3) juice"
    )
    assert texts(answer) == [
        "Pick one:\n- red\n- blue",
        "Order these:\n1. eggs\n2. flour",
        "Rank:\n(1) tea\n(2) milk\n(3) juice",
    ]


def test_items_of_several_lines_and_paragraphs_stay_whole() -> None:
    answer = (
        "1. I have two cats.\nOne bites.\n"
        "\nWhy?\n2.\n   Is rain\n   acid?\n"
        "3. What does this do?\n```python\nx = [1, 2]\n"
        "\nprint(x)\n```"
    )
    first, second, third = texts(answer)
    assert first == "I have two cats.\nOne bites.\n\nWhy?"
    assert second == "Is rain\n   acid?" or second == "Is rain\nacid?"
    assert third.endswith("```python\nx = [1, 2]\n\nprint(x)\n```")


def test_an_item_that_begins_with_a_digit_keeps_it() -> None:
    assert texts("1. 1. Read the passage aloud. Why?\n2. 2024 was hot\n3. 3.5 litres in cups") == [
        "1. Read the passage aloud. Why?",
        "2024 was hot",
        "3.5 litres in cups",
    ]
    assert texts(as_json(["2. Read it", "b", "1.5 km in miles"])) == ["2. Read it", "b", "1.5 km in miles"]
    assert texts("1. Which runs on\n2.x servers?\n2. b\n3. c")[0] == "Which runs on\n2.x servers?"
    assert texts("1. It costs:\n2.50 in Rome\n2. b\n3. at 3:30\n3:45 or later") == [
        "It costs:\n2.50 in Rome",
        "b",
        "at 3:30\n3:45 or later",
    ]


def test_one_matching_pair_of_quotes_is_stripped_and_an_apostrophe_is_none() -> None:
    answer = (
        '1. "What is a fjord?"\n'
        "2. “'Tis” is what kind of word'\n"
        "3. 「台灣有幾座山？」\n"
        '4. "To be" and "not to be"\n'
        "5. ''tis'"
    )
    assert texts(answer, 5) == [
        "What is a fjord?",
        "“'Tis” is what kind of word'",
        "台灣有幾座山？",
        '"To be" and "not to be"',
        "''tis'",
    ]


def test_in_json_quotes_are_stripped_only_where_every_item_wears_them() -> None:
    assert texts(as_json(['"To be or not to be"', "b", "c"])) == ['"To be or not to be"', "b", "c"]
    assert texts(as_json(['"a"', '"b"', '"c"'])) == ["a", "b", "c"]


def test_bold_heads_and_labels_are_taken_off() -> None:
    answer = (
        "1. **Casual:** whats a fjord\n"
        "2. **Expert**: Are fjords U-shaped?\n"
        "3. Question: Who maps fjords?\n"
        "4. User: ok so fjords\n"
        "5. **Is Oslo on a fjord?**"
    )
    assert texts(answer, 5) == [
        "whats a fjord",
        "Are fjords U-shaped?",
        "Who maps fjords?",
        "ok so fjords",
        "Is Oslo on a fjord?",
    ]


def test_a_bold_title_goes_and_a_bold_question_with_text_below_is_left_out_as_doubtful() -> None:
    answer = (
        "**1. Short form**\nwhy fjords\n"
        "\n"
        "**2. Long form**\nI live by a fjord. Why is it deep?\n"
        "\n"
        "**3. Are fjords salty?**\nYes, mostly."
    )
    assert parse_list(answer, "stop", 3) == [(1, "why fjords"), (2, "I live by a fjord. Why is it deep?")]


def test_the_last_item_of_a_cut_answer_is_dropped() -> None:
    assert parse_list("1. a b\n2. c d\n3. e f\n4. Why does the", "length", 4) == [(1, "a b"), (2, "c d"), (3, "e f")]
    cut = ARRAY[:-10]
    assert parse_list(cut, "length", 3) == NUMBERED[:2]
    assert parse_list('["a b", "c, d", "e', "length", 3) == [(1, "a b"), (2, "c, d")]
    assert parse_list(f"{ARRAY}\nI hope thi", "length", 3) == NUMBERED


def test_too_few_items_are_refused_and_a_few_less_or_more_are_not() -> None:
    nine, thirteen = ([f"question {i}" for i in range(n)] for n in (9, 13))
    assert len(parse_list(as_json(nine), "stop", 10)) == 9
    assert [i for i, _ in parse_list(as_json(thirteen), "stop", 10)] == list(range(1, 11))
    assert len(parse_list("\n".join(f"{i}. {t}" for i, t in enumerate(thirteen, 1)), "stop", 10)) == 10
    assert len(parse_list(as_json(nine[:6]), "stop", 10)) == 6
    with pytest.raises(ValueError, match="5 of 10"):
        parse_list(as_json(nine[:5]), "stop", 10)


def test_a_missing_number_leaves_a_gap() -> None:
    answer = json.dumps([{"i": i, "text": f"t {i}"} for i in (1, 2, 4, 5)])
    assert [i for i, _ in parse_list(answer, "stop", 5)] == [1, 2, 4, 5]
    assert [i for i, _ in parse_list(as_json(["a", "", " ", "d", "e"]), "stop", 5)] == [1, 4, 5]


def test_raw_newlines_and_smart_quotes_within_json_strings_are_content() -> None:
    answer = '[{"i": 1, "text": "I wrote:\nfoo\tbar\nbut?"}, {"i": 2, "text": "Why “fjord”, not ‘firth’?"}]'
    assert texts(answer, 2) == ["I wrote:\nfoo\tbar\nbut?", "Why “fjord”, not ‘firth’?"]


def test_backslashes_of_latex_survive_json() -> None:
    answer = (
        r'[{"i":1,"text":"Is $\frac{1}{2}\theta \times \nu$ \alpha?"},'
        r'{"i":2,"text":"Show $\\beta\\neq 0$"},'
        r'{"i":3,"text":"a\nthen \u00e9"}]'
    )
    assert texts(answer) == [r"Is $\frac{1}{2}\theta \times \nu$ \alpha?", r"Show $\beta\neq 0$", "a\nthen é"]


def test_an_unescaped_quote_costs_one_item_only() -> None:
    answer = ARRAY.replace("won't", 'really "won\'t"')
    assert parse_list(answer, "stop", 3) == [NUMBERED[0], NUMBERED[2]]


def test_arrays_within_items_are_not_taken_for_the_list() -> None:
    assert len(parse_list('1. Sort ["b", "a"]\n2. or:\n["c", "d"]\n3. {"i": 1, "text": "x"} is what?', "stop", 3)) == 3
    assert len(parse_list('- Sort ["b", "a"]\n- c\n- d', "stop", 3)) == 3
    with pytest.raises(ValueError):
        parse_list('[{"i": 1, "text": "Sort ["b", "a"] now"}, {"i": 2, "te', "stop", 3)


def test_answers_appended_to_the_questions_are_cut_off() -> None:
    answer = (
        "1. Why is ice slippery?\nAnswer: A thin film of water.\n"
        "2. What is 2+2? (Answer: 4)\n"
        "3. 水為什麼結冰？\n答案：因為冷。"
    )
    assert texts(answer) == ["Why is ice slippery?", "What is 2+2?", "水為什麼結冰？"]
    assert texts(
        json.dumps([{"i": 1, "question": "Why?", "answer": "So."}, {"i": 2, "question": "Who?", "answer": "I."}]), 2
    ) == ["Why?", "Who?"]


def test_a_spec_written_out_before_its_item_is_taken_off() -> None:
    specs = ["a nurse; question; 5-12 words", "a pupil; fragment", "a baker; order"]
    answer = as_json(
        [
            "[A nurse; question; 5-12 words] Why do veins look blue?",
            "a pupil; fragment: veins blue why",
            "a baker; order",
        ]
    )
    assert parse_list(answer, "stop", 3, specs) == [(1, "Why do veins look blue?"), (2, "veins blue why")]


def test_invisible_marks_and_broken_characters_are_taken_out_and_joiners_stay() -> None:
    answer = (
        '["\u200f\u200b\u05dc\u05de\u05d4?\u200f", '
        '"a\\u0000b \\ud800c", '
        '"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]'
    )
    assert texts(answer) == ["\u05dc\u05de\u05d4?", "ab c", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"]


def test_bullets_serve_where_there_are_no_numbers() -> None:
    assert texts("Sure:\n- a b\n  - nested\n- c d\n- e f") == ["a b\n- nested", "c d", "e f"]
    with pytest.raises(ValueError, match="bullets"):
        parse_list("- a\n- b\n- c\n- d", "stop", 3)


def test_a_last_paragraph_that_may_be_a_remark_costs_the_last_item() -> None:
    assert texts("1. a b\n2. c d\n3. e f\n\nThese cover the main fields.") == ["a b", "c d"]
    assert texts("1. a b\n2. c d\n3. e f\n\n---\n*Note: written as asked.*") == ["a b", "c d", "e f"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no list"),
        ("I'm sorry, but I can't help with that.", "no list"),
        ("Why is the sky blue?\nWhere is Oslo?\nWho was Ada?", "no list"),
        ('[{"i": 1, "text": "never closed', "cannot be read"),
        ("1. a\n2. b\n4. c\n5. d", "after number 2 comes 4"),
        ("7. a\n8. b\n9. c", "begins with number 7"),
        ("1. a\n2) b\n3) c", "another style"),
        ("[" * 100_000, "no list"),
        ("[{" * 100_000, "cannot be read"),
        ('[{"i":' * 50_000, "cannot be read"),
        ("\n " * 100_000, "no list"),
        ("1. a" + "\n " * 100_000 + "b\n- - \n", "0 of 3"),
        ("x" * 500_000, "characters"),
    ],
)
def test_what_is_no_sure_list_is_refused_with_a_reason(answer: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_list(answer, "stop", 3)


def test_the_schema_is_one_that_strict_decoding_takes() -> None:
    rows = LIST_SCHEMA["properties"]["items"]["items"]
    assert LIST_SCHEMA["additionalProperties"] is rows["additionalProperties"] is False
    assert set(rows["required"]) == set(rows["properties"])


STYLES: dict[str, Callable[[list[str]], str]] = {
    "objects": as_json,
    "strings": json.dumps,
    "wrapped": lambda items: json.dumps({"items": [{"i": i, "text": t} for i, t in enumerate(items, 1)]}),
    "fenced": lambda items: f"Sure!\n```json\n{as_json(items)}\n```\nDone.",
    "dots": lambda items: "\n".join(f"{i}. {t}" for i, t in enumerate(items, 1)),
    "brackets": lambda items: "\n\n".join(f"({i}) {t}" for i, t in enumerate(items, 1)),
    "chinese": lambda items: "\n".join(f"{i}、{t}" for i, t in enumerate(items, 1)),
    "quoted": lambda items: "\n".join(f'{i}) "{t}"' for i, t in enumerate(items, 1)),
}
LINES = st.text(
    st.characters(exclude_categories=["Cc", "Cs", "Cf", "Zl", "Zp"], exclude_characters='"'), min_size=1, max_size=40
)
ITEMS = st.lists(
    st.lists(LINES.map(str.strip).filter(bool), min_size=1, max_size=3).map("\n".join), min_size=1, max_size=12
)
BEGINS = r"^\W*\d|^\W*[一二三四五六七八九十]|^[-*•–‣·#>`\[{(（“_]"


@settings(deadline=None)
@given(ITEMS, st.sampled_from(sorted(STYLES)))
def test_any_list_written_in_any_style_is_read_back(items: list[str], style: str) -> None:
    lines = [line for item in items for line in item.split("\n")]
    assume(all(plain(item) == item == strip_quotes(item) for item in items))
    assume(strip_own_numbers(list(enumerate(items, 1))) == list(enumerate(items, 1)))
    # A line that looks like the list's own marks has two readings in a plain list; JSON has no such doubt.
    json_style = style in ("objects", "strings", "wrapped", "fenced")
    assume(json_style or not any(re.search(BEGINS, line) for line in lines))
    assume("$" not in "".join(items) and "\\" not in "".join(items))
    assert parse_list(STYLES[style](items), "stop", len(items)) == list(enumerate(items, 1))


PIECES = [
    "\n",
    "\n\n",
    "1. ",
    "2. ",
    "2) ",
    "3. ",
    "**",
    "```",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    '"',
    "\\",
    "Answer: ",
    "“",
]
PIECES += [
    '{"i": 1, "text": "a"}',
    '{"i": 2, "text": "',
    '"1": "b"',
    "a b c",
    "Why?",
    "\u200f",
    "\x00",
    "\ud800",
    "$\\theta$",
]


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=5)).map("".join),
    st.integers(1, 5),
    st.sampled_from(["stop", "length", None]),
)
def test_any_text_gives_a_list_within_bounds_or_a_value_error(
    text: str, expected: int, finish_reason: str | None
) -> None:
    try:
        items = parse_list(text, finish_reason, expected)
    except ValueError:
        return
    numbers = [number for number, _ in items]
    assert numbers == sorted(set(numbers))
    assert set(numbers) <= set(range(1, expected + 1))
    assert all(item.strip() and item.encode() for _, item in items)


TASKS = [
    "Does the reply answer it? yes, partly, no\n\nQuestion: When does the pool close?\nAnswer: It was built in 1974.",
    "Who brings the ladder?\n\nUser: who's got a ladder?\nAssistant: Not me.\nKaren: I'll bring mine on Friday.",
    "What does this print?\n\nfor i in range(3):\n    print(i * 2)\n\nprint('done')",
    "Put these in order.\n\n1. The bakery opens\n2. The flour arrives",
    "判断回答对不对。\n\n问：几点关门？\n答：1974年。",
]


def test_what_a_task_works_on_stays_whatever_it_looks_like() -> None:
    answer = json.dumps([{"i": number, "text": text} for number, text in enumerate(TASKS, 1)])
    assert [item for _, item in parse_list(answer, "stop", len(TASKS), tasks=True)] == TASKS
    assert [item for _, item in parse_list(answer, "stop", len(TASKS))] != TASKS


@pytest.mark.parametrize("label", ["Answer: yes", "**Answer:** yes", "Expected output: yes", "答案：是"])
def test_an_answer_in_a_paragraph_of_its_own_is_taken_off_a_task(label: str) -> None:
    answer = json.dumps([{"i": 1, "text": f"Is it so?\n\na claim\n\n{label}"}, {"i": 2, "text": f"Sing.\n\n{label}"}])
    assert [item for _, item in parse_list(answer, "stop", 2, tasks=True)] == ["Is it so?\n\na claim", "Sing."]
