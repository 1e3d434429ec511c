"""What a field's assistant knows, read from files of every kind: nothing lost, each source with an id of its own."""

import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from page_files import faq

from dialogue.errors import UsageError
from prompts.cutting import tokens
from prompts.knowledge import Knowledge
from prompts.source_rows import MOST_TOKENS, pieces


def sources(folder: Path, name: str, data: bytes | str) -> Knowledge:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return Knowledge((path,))


def test_questions_with_answers_are_sources_with_their_ids(tmp_path: Path) -> None:
    found = sources(tmp_path, "faq.jsonl", faq(3) + b'{"question": "And hops?", "answer": "Bines, yearly."}\n')
    assert [one.id for one in found] == ["q0", "q1", "q2", "faq:4"]
    assert found[3].text == "And hops?\nBines, yearly."
    assert found[3].title == "And hops?"
    assert found[-1] == found[3]
    assert found.find("q1") == 1
    assert found.find("q9") is None
    with pytest.raises(IndexError):
        found[4]


def test_the_triples_of_one_head_are_one_source_wherever_they_stand(tmp_path: Path) -> None:
    data = "head,relation,tail\nRose,needs,sun\nLeek,needs,water\nRose,needs,lime\nRose,flowers in,June\n"
    found = sources(tmp_path, "plants.csv", data)
    assert [(one.id, one.text) for one in found] == [
        ("plants:Rose", "Rose\n- needs: sun, lime\n- flowers in: June"),
        ("plants:Leek", "Leek\n- needs: water"),
    ]


def test_a_long_list_of_values_says_its_relation_again_and_cuts_none(tmp_path: Path) -> None:
    values = [f"symptom number {number}" for number in range(300)]
    found = sources(tmp_path, "f.csv", "head,relation,tail\n" + "".join(f"flu,symptom,{value}\n" for value in values))
    assert len(found) >= 3
    assert [one.id for one in found][:2] == ["f:flu", "f:flu#2"]
    told = []
    for one in found:
        title, line = one.text.split("\n")
        assert title == "flu"
        assert line.startswith("- symptom: ")
        assert tokens(one.text) <= MOST_TOKENS
        told += line.removeprefix("- symptom: ").split(", ")
    assert told == values


def test_a_head_longer_than_the_room_is_cut_above_its_parts(tmp_path: Path) -> None:
    head, tail = "very long head " * 200, "one of many words " * 150
    found = sources(tmp_path, "f.csv", f"head,relation,tail\n{head},is,{tail}\n")
    assert len(found) <= 5
    assert all(tokens(one.text) <= MOST_TOKENS for one in found)


def test_a_document_is_cut_at_its_headings_and_each_part_bears_all_above_it(tmp_path: Path) -> None:
    text = (
        "Before all.\n\n# Soil\n## Clay\nHolds water.\n\nCracks.\n## Sand\nDoes not.\n# Lime\n```\n# no heading\n```\n"
    )
    found = sources(tmp_path, "book.md", text)
    assert [(one.id, one.title, one.text) for one in found] == [
        ("book#1", "Before all.", "Before all."),
        ("book#2", "Soil / Clay", "Soil / Clay\nHolds water.\n\nCracks."),
        ("book#3", "Soil / Sand", "Soil / Sand\nDoes not."),
        ("book#4", "Lime", "Lime\n```\n# no heading\n```"),
    ]


@settings(deadline=None)
@given(st.lists(st.text("ab.!? \n。土", min_size=1, max_size=400), min_size=1, max_size=8), st.booleans())
def test_nothing_of_a_document_is_lost_and_no_part_is_too_long(
    tmp_path_factory: pytest.TempPathFactory, blocks: list[str], headed: bool
) -> None:
    path = tmp_path_factory.mktemp("book") / "book.txt"
    path.write_text("\n\n".join(f"# H\n{block}" if headed else block for block in blocks), encoding="utf-8")
    words = [char for block in blocks for char in block if char.isalnum()]
    try:
        found = [piece for _, piece in pieces(path)]
    except UsageError:
        assert not words
        return
    assert all(tokens(piece.text) <= MOST_TOKENS for piece in found)
    assert len({piece.id for piece in found}) == len(found)
    assert [char for piece in found for char in piece.text.removeprefix("H\n") if char.isalnum()] == words


def test_long_passages_and_long_answers_become_several_sources_and_nothing_is_lost(tmp_path: Path) -> None:
    long = " ".join(f"Sentence number {number} tells of soil." for number in range(300))
    rows = f'{{"id": "p", "text": "{long}"}}\n{{"id": "f", "question": "All of it?", "answer": "{long}"}}\n'
    found = sources(tmp_path, "long.jsonl", rows)
    passage = [one.text for one in found if one.id.startswith("p#")]
    answer = [one for one in found if one.id.startswith("f#")]
    assert len(passage) > 3
    assert " ".join(passage) == long
    assert all(one.text.startswith("All of it?\n") and one.title == "All of it?" for one in answer)
    assert " ".join(one.text.removeprefix("All of it?\n") for one in answer) == long


def test_a_question_longer_than_a_title_keeps_its_answer(tmp_path: Path) -> None:
    long = " ".join(f"And what of bed {number}?" for number in range(120))
    found = sources(tmp_path, "q.jsonl", f'{{"question": "{long}", "answer": "THE ANSWER."}}\n')
    assert found[-1].text.endswith("THE ANSWER.")
    assert "".join("".join(one.text for one in found).split()) == "".join(f"{long}THE ANSWER.".split())


def test_a_long_paragraph_is_taken_apart_in_a_time_that_grows_with_its_length(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("Soil is soil. " * 70_000 + "土壤。" * 30_000, encoding="utf-8")
    assert sum(len(piece.text) for _, piece in pieces(path)) >= 0.9 * 1_070_000  # seconds; in a square of time an hour


def test_what_belongs_to_a_row_is_read_with_it(tmp_path: Path) -> None:
    rows = [
        '{"instruction": "Sort these", "input": "plums, pears", "output": "pears, plums"}',
        '{"question": "A?", "answer": "a", "entity": "e", "property": "p", "value": "v"}',
        '{"head": "Rose", "relation": "height, m", "tail": 1.5}',
    ]
    found = sources(tmp_path, "r.jsonl", "\n".join(rows))
    assert [one.text for one in found] == ["Sort these\nplums, pears\npears, plums", "A?\na", "Rose\n- height, m: 1.5"]
    table = sources(tmp_path, "t.csv", "id,question,answer\n,A?,a\n7,B?,b\n")
    assert [one.id for one in table] == ["t:2", "7"]


def test_headers_are_read_as_spreadsheets_write_them_and_their_empty_last_lines_are_none(tmp_path: Path) -> None:
    for head in ("Question,Answer", " question ,ANSWER", "问题,答案"):
        found = sources(tmp_path, "faq.csv", f"{head}\nA?,a\n,\n")
        assert [one.text for one in found] == ["A?\na"]


def test_ids_made_of_names_can_be_written_in_brackets(tmp_path: Path) -> None:
    found = sources(tmp_path, "a[1].csv", "head,relation,tail\nKestrel [28]  tyre,suits,rain\n")
    assert found[0].id == "a(1):Kestrel (28) tyre"


def test_parquet_and_one_json_array_are_read_as_well(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    sink = io.BytesIO()
    pq.write_table(pa.table({"question": ["A?", "B?"], "answer": ["a", "b"]}), sink)
    assert [one.text for one in sources(tmp_path, "t.parquet", sink.getvalue())] == ["A?\na", "B?\nb"]
    array = '[{"subject": "S", "predicate": "p", "object": "o"},\n {"text": "Words."}]'
    assert [one.text for one in sources(tmp_path, "a.json", array)] == ["Words.", "S\n- p: o"]


def test_rows_of_a_language_serve_it_and_those_that_name_none_serve_all(tmp_path: Path) -> None:
    rows = '{"text": "One.", "language": "en"}\n{"text": "Eins.", "language": "de"}\n{"text": "1."}\n'
    found = sources(tmp_path, "l.jsonl", rows)
    assert [found[number].text for number in found.of("en-GB")] == ["One.", "1."]
    assert [found[number].text for number in found.of("fr")] == ["1."]


def test_beside_a_source_stand_those_of_its_file_and_language(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(faq(2))
    (tmp_path / "b.md").write_text("# One\nx y\n# Two\ny z\n# Three\nz x\n")
    found = Knowledge((tmp_path / "a.jsonl", tmp_path / "b.md"))
    assert [list(found.beside(number)) for number in range(5)] == [[1], [0], [3], [4, 2], [3]]


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("faq.jsonl", b'{"question": "A?", "answer": "a"}\n{"frage": "B?"}\n', r"faq\.jsonl:2: no source.*found frage"),
        ("faq.jsonl", b'{"question": "A?", "answer": 3}\n', r"faq\.jsonl:1: answer: '3' is a int, expected text"),
        ("faq.jsonl", b'{"question": " ", "answer": "a"}\n', r"faq\.jsonl:1: question: no word in it"),
        ("faq.jsonl", b'{"question": "A?", "answer": " "}\n', r"faq\.jsonl:1: answer: no word in it"),
        ("faq.jsonl", b'{"head": "A", "relation": " ", "tail": "b"}\n', r"faq\.jsonl:1: relation: empty"),
        ("faq.jsonl", b'{"id": "[x]", "text": "a"}\n', r"faq\.jsonl:1: id: '\[x\]': expected .* no brackets"),
        ("page.html", b"<p>Soil</p>", r"page\.html: a web page; write its text to a \.md"),
        ("faq.jsonl", b'{"question": "A?", "answer": "a"}\n{"question"', r"faq\.jsonl:2: not JSON"),
        ("faq.jsonl", b'{"text": "..."}\n', r"faq\.jsonl:1: text: no word in it"),
        ("faq.jsonl", b"", r"faq\.jsonl: empty"),
        ("faq.csv", b"head,relation,tail\nRose,needs\n", r"faq\.csv:2: 2 cells, expected 3"),
        ("faq.csv", b"question,answer\nA?,\n", r"faq\.csv:2: answer: empty"),
        ("faq.csv", "问题,答案\n".encode("gbk"), r"faq\.csv:1: .*not UTF-8\); save it as UTF-8"),
        ("faq.csv", b"", r"faq\.csv: empty"),
        ("faq.xlsx", b"PK", r"faq\.xlsx: a workbook; export its sheet as CSV"),
        ("book.pdf", b"%PDF", r"book\.pdf: no plain text; save it as"),
        ("book.md", b"\xff\xfe# So", r"book\.md: not UTF-8 .*saved as UTF-8"),
        ("book.md", b"# Nothing\n\n***\n", r"book\.md: empty"),
        ("faq.jsonl", b'{"id": "x", "text": "a"}\n' * 2, r"faq\.jsonl:2: the id 'x' stands in .*faq\.jsonl:1 already"),
    ],
)
def test_what_is_no_source_is_an_error_with_its_place(tmp_path: Path, name: str, data: bytes, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        sources(tmp_path, name, data)


def test_a_field_that_is_no_language_is_told_soon(tmp_path: Path) -> None:
    rows = "".join(f'{{"text": "Bed {number}.", "language": "row {number}"}}\n' for number in range(1200))
    with pytest.raises(UsageError, match=r"l\.jsonl:1001: language: 'row 1000' is the 1,001th"):
        sources(tmp_path, "l.jsonl", rows)


def test_what_was_read_stays_while_files_change(tmp_path: Path) -> None:
    found = sources(tmp_path, "faq.jsonl", faq(5))
    (tmp_path / "faq.jsonl").write_bytes(b"{")
    assert len(found) == 5
    assert found[4].id == "q4"
