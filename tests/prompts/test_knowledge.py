"""What a field's assistant knows, read from files of every kind: nothing lost, each source with an id of its own."""

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_files import faq

from dialogue.errors import UsageError
from prompts.cutting import tokens
from prompts.knowledge import Knowledge, knowledge
from prompts.source_rows import MOST_TOKENS, pieces


def sources(folder: Path, name: str, data: bytes | str) -> Knowledge:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return knowledge((path,))


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


def test_a_document_is_cut_at_its_headings_and_each_part_bears_its_own(tmp_path: Path) -> None:
    found = sources(
        tmp_path, "book.md", "Before all.\n\n# Soil\nClay holds water.\n\nSand does not.\n## Lime\n\nLittle.\n"
    )
    assert [(one.id, one.title, one.text) for one in found] == [
        ("book#1", "Before all.", "Before all."),
        ("book#2", "Soil", "Soil\nClay holds water.\n\nSand does not."),
        ("book#3", "Lime", "Lime\nLittle."),
    ]


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


def test_a_long_passage_is_cut_into_parts_and_a_long_answer_at_a_sentence(tmp_path: Path) -> None:
    long = " ".join(f"Sentence number {number} tells of soil." for number in range(300))
    rows = f'{{"id": "p", "text": "{long}"}}\n{{"id": "f", "question": "All?", "answer": "{long}"}}\n'
    found = sources(tmp_path, "long.jsonl", rows)
    parts = [one for one in found if one.id.startswith("p#")]
    assert len(parts) > 3
    assert " ".join(one.text for one in parts) == long
    assert found[-1].id == "f"
    assert found[-1].cut_from is not None
    assert found[-1].text.endswith(".")


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
    found = knowledge((tmp_path / "a.jsonl", tmp_path / "b.md"))
    assert [list(found.beside(number)) for number in range(5)] == [[1], [0], [3], [4, 2], [3]]


@pytest.mark.parametrize(
    ("name", "data", "complaint"),
    [
        ("faq.jsonl", b'{"question": "A?", "answer": "a"}\n{"frage": "B?"}\n', r"faq\.jsonl:2: no source.*found frage"),
        ("faq.jsonl", b'{"question": "A?", "answer": 3}\n', r"faq\.jsonl:1: answer: '3' is a int, expected text"),
        ("faq.jsonl", b'{"question": "A?", "answer": "a"}\n{"question"', r"faq\.jsonl:2: not JSON"),
        ("faq.jsonl", b'{"text": "..."}\n', r"faq\.jsonl:1: text: no word in it"),
        ("faq.jsonl", b"", r"faq\.jsonl: empty"),
        ("faq.csv", b"head,relation,tail\nRose,needs\n", r"faq\.csv:2: 2 cells, expected 3"),
        ("book.md", b"\xff\xfe# So", r"book\.md: not UTF-8"),
        ("book.md", b"# Nothing\n\n***\n", r"book\.md: empty"),
        ("faq.jsonl", b'{"id": "x", "text": "a"}\n{"id": "x", "text": "b"}\n', r"two sources have the id 'x'"),
    ],
)
def test_what_is_no_source_is_an_error_with_its_place(tmp_path: Path, name: str, data: bytes, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        sources(tmp_path, name, data)


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    assert len(sources(tmp_path, "faq.jsonl", faq(2))) == 2
    assert len(sources(tmp_path, "faq.jsonl", faq(5))) == 5
