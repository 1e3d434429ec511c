"""What a benchmark is called, and which layout it is read by."""

from pathlib import Path

import orjson
import pytest

from dialogue.errors import UsageError
from filters.contamination import Contamination
from filters.leaks.benchmark import load, load_all, sources

ROWS = [{"question": f"How many florins has merchant {n} of Ghent earned by now?", "answer": str(n)} for n in range(3)]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("b.jsonl", "c.jsonl", "a=b.jsonl", "gsm8k_test.jsonl", "gsm8k/test.jsonl"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"\n".join(map(orjson.dumps, ROWS)))
    Path("own.csv").write_text("question,answer\nWho dug the canal of Corinth?,engineers\n")
    Path("map.toml").write_text('question = "question"\npath = "b.jsonl"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("spec", "name", "layout"),
    [
        ("b.jsonl", "b", "gsm8k"),
        ("own.csv", "own", "gsm8k"),
        ("gsm8k_test.jsonl", "gsm8k", "gsm8k"),
        ("gsm8k/test.jsonl", "gsm8k", "gsm8k"),
        ("gsm8k", "gsm8k", "gsm8k"),
        ("mine=b.jsonl", "mine", "gsm8k"),
        ("gsm8k=b.jsonl", "gsm8k", "gsm8k"),
        ("a=b.jsonl", "a=b", "gsm8k"),
        ("map.toml", "map", "map"),
        ("map.toml=c.jsonl", "map", "map"),
    ],
)
def test_a_file_names_its_benchmark_and_its_layout_is_told_apart(spec: str, name: str, layout: str) -> None:
    found = load(spec)
    assert (found.name, found.layout) == (name, layout)
    assert {item.benchmark for item in found.items} == {name}


def test_two_files_of_one_layout_are_two_benchmarks_and_equal_names_are_refused_with_the_mend() -> None:
    assert [one.name for one in load_all(("b.jsonl", "c.jsonl", "gsm8k=b.jsonl"))] == ["b", "c", "gsm8k"]
    with pytest.raises(UsageError, match=r"'b' is given 2 times \(b.jsonl, c.jsonl\): .* as NAME=PATH"):
        load_all(("b.jsonl", "b=c.jsonl"))


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("mmlu", "mmlu: the name of a layout; say where its file is, as mmlu=PATH"),
        ("mixed", "a folder is one benchmark: name its files one by one, as NAME=PATH"),
        ("gsm9k=other.jsonl", "did you mean gsm8k=other.jsonl"),
    ],
)
def test_what_is_no_benchmark_is_refused_with_the_mend(spec: str, says: str) -> None:
    Path("mixed").mkdir()
    Path("mixed/a.jsonl").write_bytes(orjson.dumps(ROWS[0]))
    Path("mixed/b.jsonl").write_bytes(orjson.dumps({"prompt": "x"}))
    Path("other.jsonl").write_bytes(orjson.dumps({"text": "x"}))
    with pytest.raises(UsageError, match=says):
        load(spec)


@pytest.mark.parametrize("spec", ["b.jsonl", "a=b.jsonl", "mine=b.jsonl", "map.toml", "gsm8k"])
def test_an_index_is_made_anew_when_any_file_of_a_benchmark_has_changed(spec: str) -> None:
    asked = Contamination(benchmarks=(spec,), plants=0)
    before = asked._index()
    assert asked._index() is before
    data = sources(spec)[-1]
    data.write_bytes(data.read_bytes() + b"\n" + orjson.dumps(ROWS[0]))
    assert asked._index() is not before
