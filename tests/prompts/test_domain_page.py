"""The page about an assistant: what it may say, and what is wrong with one."""

from pathlib import Path
from typing import Any

import pytest
from page_files import CLIENTS, page

from dialogue.errors import UsageError
from prompts.domain import page as read
from prompts.loader import Prompts
from prompts.sector import load, page_of


def test_the_shipped_example_is_a_whole_page() -> None:
    prompts = Prompts()
    example = page_of(prompts, load(prompts, "domain"))
    assert example is not None
    assert len(example.sources) >= 10
    assert {one.id.split(":")[0].split("#")[0] for one in example.sources} >= {"chain-wear", "parts", "handbook"}


def test_clients_come_up_evenly_and_their_facts_are_narrowed(tmp_path: Path) -> None:
    found = read(page(tmp_path))
    drawn = [found.client("run", number) for number in range(400)]
    assert 160 <= sum(one.who == CLIENTS[0] for one in drawn) <= 240
    orchard = next(one for one in drawn if one.who != CLIENTS[0])
    for number in range(40):
        facts = {key: value for key, _, value in found.facts(orchard, number)}
        assert facts["soil"] == "clay"
        assert set(facts) == {"soil", "sun"}, "an orchard stands in no pot"
    assert len({tuple(key for key, _, _ in found.facts(drawn[0], number)) for number in range(40)}) > 1


def test_a_value_is_the_same_however_it_is_spaced(tmp_path: Path) -> None:
    ask = {"age": {"tell": "it is {v} old", "ask": "how old it is", "values": ["ten  years", "a year"]}}
    found = read(page(tmp_path, ask=ask, clients=[{"who": "an owner", "age": ["ten  years"]}]))
    assert [value for _, _, value in found.facts(found.clients[0], 1)] == ["ten years"]


def test_files_are_looked_for_beside_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = page(tmp_path)
    monkeypatch.chdir("/")
    assert len(read(path).sources) == 8


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"assistant": None}, r"page\.toml: assistant: is missing"),
        ({"decline": []}, r"decline: expected a list of what the assistant must not do, one at least"),
        ({"clients": None}, r"clients: expected a list of kinds of people who come, one at least"),
        ({"clients": [{"woh": "a"}]}, r"clients\.0: no 'who' in"),
        (
            {"ask": {"sun": {"tell": "{v}", "ask": "s", "values": ["a"], "cite": True}}},
            r"ask\.sun: cite is of the page",
        ),
        ({"clients": ["a", "a"]}, r"clients: expected lines that differ"),
        ({"clients": [{"who": "a", "soli": ["clay"]}]}, r"'soli' is no fact of \[ask\] \(there are: soil, sun, pot\)"),
        ({"clients": [{"who": "a", "soil": ["mud"]}]}, r"soil: 'mud' is none of its values"),
        ({"knowledge": None}, r"knowledge: expected a list of files"),
        ({"knowledge": "faq.jsonl"}, r"knowledge: expected a list of files"),
        ({"knowledge": ["faq.jsonl", "faq.csv"]}, r"faq\.jsonl and faq\.csv have one name"),
        ({"ask": {"sun": {"tell": "sun", "ask": "?", "values": ["a", "b"]}}}, r"ask\.sun: tell = 'sun': expected one"),
        ({"asist": "x"}, r"unknown key 'asist'; did you mean assistant"),
        ({"path": "x"}, r"unknown key 'path'"),
        ({"cite": "yes"}, r"cite: .*valid boolean"),
        ({"assistant": " "}, r"assistant: .*empty"),
        ({"refer": ""}, r"refer: .*empty"),
        ({"decline": ["x" * 700]}, r"decline\.0\.what: .*longer than 600 characters"),
        ({"knowledge": ["a\0.jsonl"]}, r"knowledge: a file's name with a NUL"),
        ({"ask": {"sun": {"tell": "{v}", "ask": "s", "values": ["a", "a"]}}, "clients": ["c"]}, r"values that differ"),
        ({"ask": {"sun": {"tell": "{v}", "ask": " ", "values": ["a"]}}, "clients": ["c"]}, r"ask\.sun\.ask: .*empty"),
        ({"ask": {"who": {"tell": "{v}", "ask": "w", "values": ["a"]}}, "clients": ["c"]}, r"ask\.who: stands for"),
    ],
)
def test_what_is_wrong_on_a_page_is_told(tmp_path: Path, changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        read(page(tmp_path, **changes))


def test_a_file_that_is_not_there_is_told_with_the_page(tmp_path: Path) -> None:
    found = read(page(tmp_path, knowledge=["gone.jsonl"]))
    with pytest.raises(UsageError, match=r"page\.toml: .*gone\.jsonl: no such file"):
        _ = found.sources


@pytest.mark.parametrize("name", ["faq.jsonl", "page.txt", "."])
def test_what_is_no_page_is_told_what_one_is(tmp_path: Path, name: str) -> None:
    page(tmp_path)
    (tmp_path / "page.txt").write_text("x")
    with pytest.raises(UsageError, match=r"expected a page about your assistant, a TOML file"):
        read(tmp_path / name)


def test_a_page_in_another_encoding_is_told_the_mend(tmp_path: Path) -> None:
    (tmp_path / "page.toml").write_bytes('assistant = "花店"'.encode("gbk"))
    with pytest.raises(UsageError, match=r"page\.toml: not UTF-8; save it as UTF-8"):
        read(tmp_path / "page.toml")


def test_broken_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "page.toml").write_text('assistant = "a')
    with pytest.raises(UsageError, match=r"--input .*page\.toml: .*Unterminated string"):
        read(tmp_path / "page.toml")
