"""`convert`: every layout in, every layout out, nothing lost without a word, memory that does not grow."""

import random
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialogue.conversion import elements as elements_module
from dialogue.conversion.convert import Conversion, Report, convert
from dialogue.conversion.elements import elements
from dialogue.conversion.hub import Statistics, card
from dialogue.conversion.rows import rows
from dialogue.conversion.selection import Selection, split_of
from dialogue.errors import UsageError
from dialogue.formats.reading import named, names
from dialogue.likeness import jaccard
from dialogue.preferences import choice
from dialogue.records import Dialogue, Message, Seed, encode


def run(inputs: Path | Sequence[Path], out: Path, **asked: Any) -> Report:
    given_ = (inputs,) if isinstance(inputs, Path) else tuple(inputs)
    return convert(Conversion(inputs=given_, out=out, **asked))


def found(path: Path) -> list[dict[str, Any]]:
    return [row.fields for row in rows(path)]


def talk(*texts: str, id: str = "", **more: Any) -> Dialogue:
    roles = ("user", "assistant")
    messages = tuple(Message(role=roles[place % 2], content=text) for place, text in enumerate(texts))
    return Dialogue(id=id or str(abs(hash(texts))), messages=messages, **more)


def laid_down(path: Path, dialogues: Sequence[Dialogue]) -> Path:
    path.write_bytes(b"".join(map(encode, dialogues)))
    return path


REAL = [
    ("formats/sharegpt_fastchat_500.json", "sharegpt", 500),
    ("formats/sharegpt_tools_300.json", "sharegpt", 300),
    ("formats/alpaca_en_100.json", "alpaca", 100),
    ("formats/alpaca_zh_100.json", "alpaca", 100),
    ("formats/preference_sharegpt_60.json", "chosen_rejected", 60),
    ("formats/moss_sample.jsonl", "moss", 72),
    ("formats/baize_korean_96.json", "baize", 96),
    ("formats/oasst", "oasst", 72),
    ("dialogues/ultrachat_700.jsonl", "messages", 700),
    ("dialogues/mt_bench_101.jsonl", "mt_bench_101", 1388),
]


@pytest.mark.parametrize(("name", "layout", "count"), REAL)
def test_every_real_file_is_recognised_read_whole_and_comes_back(
    tmp_path: Path, shared: Path, name: str, layout: str, count: int
) -> None:
    report = run(shared / "data" / name, tmp_path / "ours.jsonl")
    assert report.written == {str(tmp_path / "ours.jsonl"): count}
    assert report.recognised[0].startswith(f"{layout}: ")
    assert report.dropped == (2 if layout == "oasst" else 0)
    there = run(tmp_path / "ours.jsonl", tmp_path / "theirs.jsonl", to=layout)
    back = run(tmp_path / "theirs.jsonl", tmp_path / "again.jsonl", from_=layout)
    assert there.dropped == back.dropped == 0
    contents = [[m["content"] for m in row["messages"]] for row in found(tmp_path / "ours.jsonl")]
    assert [[m["content"] for m in row["messages"]] for row in found(tmp_path / "again.jsonl")] == contents


GOOD: dict[str, dict[str, Any]] = {
    "messages": {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
    "ultrachat": {"data": ["q", "a"]},
    "sharegpt": {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]},
    "alpaca": {"instruction": "q", "input": "", "output": "a"},
    "belle": {"instruction": "Human:p\nAssistant:b\nHuman:q\nAssistant:", "output": "a"},
    "belle_chat": {"instruction": "s", "output": "A: q\nB: a"},
    "guanaco": {"instruction": "User:p\nAssistant:b", "input": "User:q", "output": "a"},
    "dolly": {"instruction": "q", "context": "", "response": "a"},
    "pclue": {"input": "q", "target": "a"},
    "cot": {"question": "q", "rationale": "r", "answer": "a"},
    "baize": {"input": "h\n[|Human|] q\n[|AI|] a\n[|Human|] "},
    "moss": {"chat": {"turn_1": {"Human": "<|Human|>: q<eoh>\n", "MOSS": "<|MOSS|>: a<eom>\n"}}, "num_turns": 1},
    "mt_bench_101": {"history": [{"user": "q", "bot": "a"}]},
    "openchat": {"items": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
    "oasst": {"prompt": {"text": "q", "role": "prompter", "replies": [{"text": "a", "role": "assistant"}]}},
    "oasst_guanaco": {"text": "### Human: q### Assistant: a"},
    "webgpt": {"question": "q", "answer_0": "a", "score_0": 1, "answer_1": "b", "score_1": 0},
    "ultrafeedback": {"instruction": "q", "completions": [{"response": "a", "overall_score": 1}]},
    "stackexchange": {"question": "q", "answers": [{"text": "a", "pm_score": 1}]},
    "chosen_rejected": {"prompt": "q", "chosen": "a", "rejected": "b"},
    "prompt_completion": {"prompt": "q", "completion": "a"},
}
BAD: dict[str, dict[str, dict[str, Any]]] = {
    "messages": {
        "missing": {"messages": [{"role": "user"}]},
        "type": {"messages": [{"role": "user", "content": 1}]},
        "order": {"messages": []},
    },
    "ultrachat": {"missing": {"data": []}, "type": {"data": ["q", 1]}, "order": {"data": [None, "a"]}},
    "sharegpt": {
        "missing": {"conversations": [{"from": "human"}]},
        "type": {"conversations": [{"from": ["human"], "value": "q"}]},
        "order": {"conversations": [{"from": "narrator", "value": "q"}]},
    },
    "alpaca": {
        "missing": {"instruction": "q", "input": "", "output": None},
        "type": {"instruction": ["q"], "output": "a"},
        "order": {"instruction": "q", "output": "a", "history": [["q"]]},
        "empty": {"instruction": " ", "output": "a"},
    },
    "belle": {
        "missing": {"instruction": "Human:q\nAssistant:", "output": None},
        "type": {"instruction": "Human:q\nAssistant:", "output": 3},
        "order": {"instruction": "Human:q\nHuman:q\nAssistant:", "output": "a"},
        "empty": {"instruction": "Human:\nAssistant:", "output": "a"},
    },
    "belle_chat": {
        "missing": {"instruction": "s"},
        "type": {"instruction": "s", "output": ["A: q"]},
        "order": {"instruction": "s", "output": "A: q\nA: a"},
        "empty": {"instruction": "s", "output": "A: q\nB: "},
    },
    "guanaco": {
        "missing": {"instruction": "User:q\nAssistant:", "input": "", "output": None},
        "type": {"instruction": "User:q\nAssistant:a", "input": [], "output": "a"},
        "order": {"instruction": "User:p\nUser:p\nAssistant:b", "input": "q", "output": "a"},
        "empty": {"instruction": "User:p\nAssistant:b", "input": "", "output": "a"},
    },
    "dolly": {
        "missing": {"instruction": "q", "response": None},
        "type": {"instruction": "q", "response": {}},
        "empty": {"instruction": "q", "response": ""},
    },
    "pclue": {
        "missing": {"input": "q", "target": None},
        "type": {"input": 1, "target": "a"},
        "empty": {"input": "", "target": "a"},
    },
    "cot": {
        "missing": {"rationale": "r", "answer": "a"},
        "type": {"question": "q", "rationale": 1, "answer": "a"},
        "empty": {"question": "q", "rationale": "", "answer": "a"},
    },
    "baize": {
        "missing": {"input": "h\n[|Human|] "},
        "type": {"input": "[|Human|] q", "topic": 1},
        "order": {"input": "h\n[|AI|] a\n[|Human|] q"},
    },
    "moss": {
        "missing": {"chat": {}, "num_turns": 1},
        "type": {"chat": {"turn_1": 1}},
        "order": {"chat": {"turn_x": {}}},
    },
    "mt_bench_101": {
        "missing": {"history": [{"user": "q"}]},
        "type": {"history": [{"user": "q", "bot": 1}]},
        "empty": {"history": [{"user": "", "bot": "a"}]},
    },
    "openchat": {"missing": {"items": [{"role": "user"}]}, "type": {"items": ["q"]}, "order": {"items": []}},
    "oasst": {
        "missing": {"prompt": {"role": "prompter", "replies": []}},
        "type": {"prompt": {"text": "q", "role": "prompter", "replies": "none"}},
        "order": {"prompt": {"text": "q", "role": "assistant", "replies": []}},
    },
    "oasst_guanaco": {
        "missing": {"text": "### Human: q"},
        "type": {"text": ["### Human: q### Assistant: a"]},
        "order": {"text": "### Human: q### Human: q### Assistant: a"},
        "empty": {"text": "### Human: ### Assistant: a"},
    },
    "webgpt": {
        "missing": {"question": "q", "answer_0": "a", "answer_1": None},
        "type": {"question": "q", "answer_0": "a", "answer_1": "b", "score_0": "high"},
        "empty": {"question": "", "answer_0": "a", "answer_1": "b"},
    },
    "ultrafeedback": {
        "missing": {"instruction": "q", "completions": [{}]},
        "type": {"instruction": "q", "completions": [1]},
        "empty": {"instruction": "q", "completions": []},
    },
    "stackexchange": {
        "missing": {"question": "q", "answers": [{"pm_score": 1}]},
        "type": {"question": "q", "answers": [{"text": "a", "pm_score": "high"}]},
        "empty": {"question": "q", "answers": [{"text": " ", "pm_score": 1}]},
    },
    "chosen_rejected": {
        "missing": {"prompt": "q", "chosen": "a", "rejected": None},
        "type": {"prompt": 1, "chosen": "a", "rejected": "b"},
        "order": {
            "chosen": [{"role": "assistant", "content": "a"}],
            "rejected": [{"role": "assistant", "content": "b"}],
        },
        "empty": {"prompt": "q", "chosen": "", "rejected": "b"},
    },
    "prompt_completion": {
        "missing": {"prompt": "q", "completion": None},
        "type": {"prompt": 1, "completion": "a"},
        "order": {"prompt": [{"role": "assistant", "content": "b"}], "completion": "a"},
        "empty": {"prompt": " ", "completion": "a"},
    },
}


def test_the_table_has_every_format() -> None:
    assert sorted(GOOD) == sorted(BAD) == names()


@pytest.mark.parametrize(("name", "trouble"), [(name, trouble) for name in names() for trouble in BAD[name]])
def test_a_malformed_row_is_dropped_with_its_place_and_the_others_stay(tmp_path: Path, name: str, trouble: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in (GOOD[name], BAD[name][trouble], GOOD[name])))
    report = run(path, tmp_path / "out.jsonl", from_=name, fold=False)
    assert (report.rows, report.dropped) == (3, 1)
    assert [one["messages"][-1]["content"] for one in found(tmp_path / "out.jsonl")] == ["a", "a"]
    (told,) = found(tmp_path / "out.jsonl.dropped.jsonl")
    assert told["place"] == f"{path}:2"
    assert told["reason"]
    assert orjson.loads(told["row"]) == BAD[name][trouble]


@pytest.mark.parametrize("name", names())
def test_odd_bytes_are_read_or_dropped(tmp_path: Path, name: str) -> None:
    """BOM, CRLF, blank lines and U+2028 are nothing; broken UTF-8, no JSON and a torn end are dropped."""
    good = orjson.dumps(GOOD[name])
    odd = orjson.dumps({**GOOD[name], "note": "one\u2028two\x85three"})
    lines = [good, odd, b"", good[:-1] + b',"note":"\xff"}', b"{nonsense", b"[1]", b"null", odd]
    path = tmp_path / "in.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n".join(lines) + b"\r\n" + good[:-1])
    report = run(path, tmp_path / "out.jsonl", from_=name, fold=False)
    assert report.written == {str(tmp_path / "out.jsonl"): 3}
    assert [told["place"].rpartition(":")[2] for told in found(tmp_path / "out.jsonl.dropped.jsonl")] == [
        "4",
        "5",
        "6",
        "7",
        "9",
    ]


def test_a_line_of_ten_megabytes_is_a_row_like_others(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", [talk("q", "long " * 2_000_000), talk("r", "b")])
    for out in ("out.json", "out.parquet"):
        assert run(path, tmp_path / out, to="sharegpt").dropped == 0
        assert [len(row["conversations"][1]["value"]) for row in found(tmp_path / out)] == [10_000_000, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(values=st.lists(JSON, max_size=8), indent=st.booleans(), bom=st.booleans())
@example(values=[0, -10.0], indent=False, bom=False)
@example(values=[1e300, 12345678], indent=False, bom=False)
def test_an_array_gives_its_elements_wherever_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, values: list[Any], indent: bool, bom: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "array.json"
    try:
        data = orjson.dumps(values, option=orjson.OPT_INDENT_2 if indent else 0)
    except TypeError:  # integers that JSON libraries do not hold
        return
    path.write_bytes(b"\xef\xbb\xbf" * bom + data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(elements_module, "CHUNK_BYTES", 7)
        got = list(elements(path))
    assert [orjson.loads(line) for line, trouble in got] == values
    assert {trouble for _, trouble in got} <= {None}


@pytest.mark.parametrize(
    ("data", "whole", "said"),
    [
        (b'[{"a":1},{"a":', 1, "nothing behind it"),
        (b'[{"a":1}', 1, "cut off"),
        (b'[{"a":1} {"a":2}]', 1, "comma"),
        (b'[{"a":1},nonsense,{"a":2}]', 1, "nothing behind it"),
        (b"[", 0, "cut off"),
        (b'[{"a":1}]\n[{"a":2}]', 1, "behind the array"),
    ],
)
def test_a_broken_array_gives_what_was_whole_and_says_where_it_broke(
    tmp_path: Path, data: bytes, whole: int, said: str
) -> None:
    (tmp_path / "a.json").write_bytes(data)
    *got, (_, trouble) = elements(tmp_path / "a.json")
    assert len(got) == whole
    assert trouble is not None
    assert said in trouble


def test_an_array_that_breaks_early_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"a":1},{"b" 2},' + b'{"a":1},' * 2_000_000)
    buffer = elements_module._Buffer(path)
    buffer.skip(1)
    buffer.element()
    buffer.skip(1)
    assert isinstance(buffer.element(), str)
    assert len(buffer._text) <= elements_module.CHUNK_BYTES
    buffer.close()


def test_belles_rows_are_folded_back_wherever_they_stand(tmp_path: Path) -> None:
    dialogues = [talk("q", "a", "r", "b", "s", "c", id="x"), talk("q", "a", id="y"), talk("q", "else", id="z")]
    lines = [line for one in dialogues for line in named("belle").to_line(one).splitlines()]
    random.Random(0).shuffle(lines)
    (tmp_path / "in.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert report.folded == 3
    told = {tuple(m["content"] for m in row["messages"]) for row in found(tmp_path / "out.jsonl")}
    assert told == {("q", "a", "r", "b", "s", "c"), ("q", "else")}
    assert run(tmp_path / "in.jsonl", tmp_path / "all.jsonl", fold=False).written == {str(tmp_path / "all.jsonl"): 5}


def many(count: int, topics: int = 3) -> list[Dialogue]:
    chance = random.Random(7)
    words = [f"w{number}" for number in range(400)]
    said = [" ".join(chance.choices(words, k=12)) for _ in range(count)]
    return [talk(text, "a", id=str(n), seed=Seed(topic=f"t{n % topics}")) for n, text in enumerate(said)]


def test_a_sample_is_part_of_a_larger_one_and_fair_to_each_value(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(300))
    kept: list[set[str]] = []
    for n in (5, 30, 31, 200, 400):
        report = run(path, tmp_path / f"{n}.jsonl", sample=n, by="seed.topic")
        rows_ = found(tmp_path / f"{n}.jsonl")
        assert len(rows_) == min(n, 300)
        assert report.left_out == 300 - len(rows_)
        counts = Counter(row["seed"]["topic"] for row in rows_)
        assert max(counts.values()) - min(counts.values()) <= 1
        kept.append({row["id"] for row in rows_})
    assert all(one < other for one, other in pairwise(kept))
    assert [row["id"] for row in found(tmp_path / "400.jsonl")] == [str(n) for n in range(300)]
    run(path, tmp_path / "again.jsonl", sample=30, by="seed.topic")
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "30.jsonl").read_bytes()
    run(path, tmp_path / "other.jsonl", sample=30, by="seed.topic", seed=1)
    assert (tmp_path / "other.jsonl").read_bytes() != (tmp_path / "30.jsonl").read_bytes()


def test_near_duplicates_never_stand_on_two_sides_of_a_split(tmp_path: Path) -> None:
    chance = random.Random(3)
    dialogues = []
    for number, one in enumerate(many(400)):
        dialogues.append(one)
        text = one.messages[0].content.split()
        for copy in range(number % 3):  # a chain of copies, each changed a little more
            text = [*text[:-1], f"c{copy}"] if copy == 0 else [f"d{copy}", *text[1:]]
            dialogues.append(talk(" ".join(text), "other", id=f"{number}-{copy}", seed=one.seed))
    chance.shuffle(dialogues)
    path = laid_down(tmp_path / "in.jsonl", dialogues)
    run(path, tmp_path / "out.jsonl", split=(0.8, 0.1, 0.1))
    parts = {name: found(tmp_path / f"out.{name}.jsonl") for name in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == len(dialogues)
    sides = [(name, row["messages"][0]["content"]) for name, part in parts.items() for row in part]
    for place, (name, text) in enumerate(sides):
        assert not any(jaccard(text, other, 3) >= 0.7 for side, other in sides[:place] if side != name)
    for name, share in (("validation", 0.1), ("test", 0.1)):
        assert share * len(dialogues) - 4 <= len(parts[name]) <= share * len(dialogues) + 1


def test_a_smaller_test_part_is_part_of_a_larger_one(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(300))
    kept = []
    for share in (0.02, 0.1, 0.3):
        run(path, tmp_path / f"{share}.jsonl", split=(1 - share, share), by="seed.topic")
        part = found(tmp_path / f"{share}.test.jsonl")
        assert len(part) == round(300 * share)
        assert len(set(Counter(row["seed"]["topic"] for row in part).values())) == 1
        kept.append({row["id"] for row in part})
    assert kept[0] < kept[1] < kept[2]


def test_one_large_family_of_likes_does_not_fill_the_test_part(tmp_path: Path) -> None:
    same = [talk("the very same words of a frame that all of them have", str(n), id=f"s{n}") for n in range(60)]
    path = laid_down(tmp_path / "in.jsonl", [*many(100), *same])
    run(path, tmp_path / "out.jsonl", split=(0.5, 0.5))
    assert not any(row["id"].startswith("s") for row in found(tmp_path / "out.test.jsonl"))
    assert len(found(tmp_path / "out.test.jsonl")) == 80


@pytest.mark.parametrize("text", ["", "1", "0.5", "0.9/0.2", "1/0", "a/b", "0.5/0.2/0.2/0.1", "-1/2"])
def test_shares_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="shares"):
        split_of(text)


def test_a_selection_of_nothing_is_nothing() -> None:
    for selection in (Selection(sample=3), Selection(split=(0.9, 0.1))):
        selection.note([])
        assert selection.places().tolist() == []


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("name", names())
def test_each_layout_goes_through_each_kind_of_file(tmp_path: Path, name: str, suffix: str) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(orjson.dumps(GOOD[name]) + b"\n")
    run(path, tmp_path / "ours.jsonl", from_=name)
    report = run(tmp_path / "ours.jsonl", tmp_path / f"out{suffix}", to=name)
    again = run(tmp_path / f"out{suffix}", tmp_path / "again.jsonl", from_=name)
    if name == "ultrafeedback" or name == "stackexchange":
        assert report.dropped == 0
    assert again.written == {str(tmp_path / "again.jsonl"): 1}
    one, other = found(tmp_path / "ours.jsonl")[0], found(tmp_path / "again.jsonl")[0]
    assert other["messages"] == one["messages"]
    assert other["id"] == one["id"]


def test_a_whole_record_of_ours_goes_through_parquet(tmp_path: Path) -> None:
    message = Message(
        role="assistant",
        content="a",
        thoughts="t",
        tool_calls=[{"name": "f", "arguments": {"x": [1, None]}}],
        weight=0.5,
    )
    record = Dialogue(
        id="x",
        sector="s",
        messages=(Message(role="user", content="q"), message),
        seed=Seed(topic="t", extra={"deep": {"er": [1, 2.5, None, "ö"]}}),
        scores={"quality": 3},
        cost_usd=0.25,
    )
    path = laid_down(tmp_path / "in.jsonl", [record, talk("q", "a", id="y")])
    run(path, tmp_path / "x.parquet")
    run(tmp_path / "x.parquet", tmp_path / "back.jsonl")
    assert (tmp_path / "back.jsonl").read_bytes() == path.read_bytes()


def test_the_hub_layout_is_loaded_by_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    path = laid_down(
        tmp_path / "in.jsonl", [one.model_copy(update={"assistant_model": "m`|x\n# y"}) for one in many(200)]
    )
    report = run(path, tmp_path / "hub", to="hub", split=(0.9, 0.1))
    loaded = datasets.load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 180, "test": 20}
    assert loaded["test"][0]["messages"][0]["role"] == "user"
    card = (tmp_path / "hub/README.md").read_text()
    assert "\n# y" not in card
    assert "license: unknown" in card
    assert sum(report.written.values()) == 200
    assert run(tmp_path / "hub", tmp_path / "back.jsonl").written == {str(tmp_path / "back.jsonl"): 200}


def test_csv_is_read_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        'instruction,input,output\r\n"What, now?",,"Line\nline"\r\nq,i\r\nq2,,a2\r\n', "utf-8-sig"
    )
    report = run(tmp_path / "a.csv", tmp_path / "out.jsonl")
    assert [row["messages"][0]["content"] for row in found(tmp_path / "out.jsonl")] == ["What, now?", "q2"]
    assert found(tmp_path / "out.jsonl.dropped.jsonl")[0]["reason"] == "2 cells, expected 3"
    assert report.dropped == 1
    (tmp_path / "b.csv").write_text("a,a\n1,2\n")
    with pytest.raises(UsageError, match="names all differ"):
        run(tmp_path / "b.csv", tmp_path / "out2.jsonl")


def test_what_a_target_cannot_hold_is_dropped_or_told(tmp_path: Path) -> None:
    path = laid_down(
        tmp_path / "in.jsonl", [talk("q", "a", id="1"), talk("q", "a", "r", "b", id="2"), talk("q", id="3")]
    )
    report = run(path, tmp_path / "out.json", to="dolly")
    assert report.written == {str(tmp_path / "out.json"): 1}
    assert report.dropped == 2
    assert report.lost == {"seed, usage and other metadata": 1}


def test_nothing_is_overwritten_unasked_nor_an_input_at_all(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", [talk("q", "a")])
    (tmp_path / "out.jsonl").write_text("precious")
    with pytest.raises(UsageError, match="--overwrite"):
        run(path, tmp_path / "out.jsonl")
    assert (tmp_path / "out.jsonl").read_text() == "precious"
    run(path, tmp_path / "out.jsonl", overwrite=True)
    with pytest.raises(UsageError, match="one of the inputs"):
        run(path, path, overwrite=True)
    with pytest.raises(UsageError, match=r"\.parquet"):
        run(path, tmp_path / "out.xml")


def test_what_broke_leaves_no_half_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(5))

    def broken(_: Dialogue) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("dialogue.formats.ultrachat.to_line", broken)
    with pytest.raises(KeyboardInterrupt):
        run(path, tmp_path / "out.jsonl", to="ultrachat")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl"]


def test_mixed_layouts_in_one_file_are_each_recognised(tmp_path: Path) -> None:
    chosen = [GOOD[name] for name in names() if name != "belle_chat"]
    (tmp_path / "in.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in chosen))
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl", fold=False)
    assert report.dropped == 0
    assert sorted(line.partition(":")[0] for line in report.recognised) == [n for n in names() if n != "belle_chat"]


def test_an_input_that_is_called_like_the_file_of_refusals_stays(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "out.jsonl.dropped.jsonl", [talk("q", "a")])
    before = path.read_bytes()
    for overwrite in (False, True):
        with pytest.raises(UsageError, match="one of the inputs"):
            run(path, tmp_path / "out.jsonl", overwrite=overwrite)
    assert path.read_bytes() == before
    laid_down(tmp_path / "in.jsonl", [talk("q", "a")])
    with pytest.raises(UsageError, match="--overwrite"):
        run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert path.read_bytes() == before


def test_refusals_are_not_read_again_from_a_folder_and_other_things_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    laid_down(folder / "a.jsonl", [talk("q", "a")])
    (folder / "old.jsonl.dropped.jsonl").write_text("{}\n")
    (folder / "notes.md").write_text("")
    report = run(folder, tmp_path / "out.jsonl")
    assert report.rows == 1
    assert report.skipped == [f"{folder}/{name}" for name in ("deeper/", "notes.md", "old.jsonl.dropped.jsonl")]


def test_a_hubs_readme_is_not_replaced_unasked_and_old_shards_go(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(40))
    folder = tmp_path / "hub"
    folder.mkdir()
    (folder / "README.md").write_text("precious")
    with pytest.raises(UsageError, match=r"README\.md: is there already"):
        run(path, folder, to="hub")
    run(path, folder, to="hub", split=(0.5, 0.5), overwrite=True)
    run(path, folder, to="hub", sample=3, overwrite=True)
    assert sorted(one.name for one in (folder / "data").iterdir()) == ["train-00000.parquet"]
    assert run(folder, tmp_path / "back.jsonl").rows == 3


def test_a_hub_names_no_empty_part_and_is_loaded(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    path = laid_down(tmp_path / "in.jsonl", many(10))
    run(path, tmp_path / "hub", to="hub", split=(0.99, 0.01))
    loaded = datasets.load_dataset(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 10}


def test_records_come_back_from_tables_made_by_others(tmp_path: Path) -> None:
    """They know nothing of which texts are JSON, and write nulls for what is not there."""
    import pyarrow.parquet

    calls = Message(role="assistant", content="a", tool_calls=[{"name": "f"}], scores={"x": 1})
    record = Dialogue(id="x", messages=(Message(role="user", content="q"), calls), seed=Seed(topic="t"))
    path = laid_down(tmp_path / "in.jsonl", [record])
    run(path, tmp_path / "x.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "x.parquet").replace_schema_metadata(None)
    pyarrow.parquet.write_table(table, tmp_path / "y.parquet")
    (tmp_path / "y.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in table.to_pylist()))
    for name in ("y.parquet", "y.jsonl"):
        run(tmp_path / name, tmp_path / "back.jsonl", overwrite=True)
        assert (tmp_path / "back.jsonl").read_bytes() == path.read_bytes()


def test_tables_of_any_kind_of_column_are_read(tmp_path: Path) -> None:
    import datetime

    import pyarrow
    import pyarrow.parquet

    rows_ = [
        {"instruction": "q", "output": "a", "at": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "raw": b"\xff"},
        {"instruction": "r", "output": "b", "at": None, "raw": None},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows_), tmp_path / "a.parquet")
    report = run(tmp_path / "a.parquet", tmp_path / "out.jsonl")
    assert report.dropped == 0
    assert found(tmp_path / "out.jsonl")[0]["seed"]["extra"] == {"at": "2026-01-02 00:00:00+00:00", "raw": "\ufffd"}
    names_ = pyarrow.array([b"q", b"\xff"]).view(pyarrow.string())
    table = pyarrow.table({"instruction": names_, "output": ["a", "b"]})
    pyarrow.parquet.write_table(table, tmp_path / "b.parquet")
    assert run(tmp_path / "b.parquet", tmp_path / "c.jsonl").reasons == {"not UTF-8": 1}


def test_trees_of_rows_are_read_from_parquet(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows_ = [
        {"message_id": "a", "parent_id": None, "text": "q", "role": "prompter"},
        {"message_id": "b", "parent_id": "a", "text": "a", "role": "assistant"},
    ]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows_), tmp_path / "a.parquet")
    report = run(tmp_path / "a.parquet", tmp_path / "out.jsonl")
    assert (report.rows, report.dialogues, report.dropped) == (2, 1, 0)


def test_cells_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('id,instruction,output\n007,How many?,42\n8,Which?,"[2, 3]"\n')
    assert run(tmp_path / "a.csv", tmp_path / "a.jsonl").dropped == 0
    assert [(row["id"], row["messages"][1]["content"]) for row in found(tmp_path / "a.jsonl")] == [
        ("007", "42"),
        ("8", "[2, 3]"),
    ]
    (tmp_path / "b.csv").write_text("question,answer_0,score_0,answer_1,score_1\nq,a,0.5,b,-1\n")
    run(tmp_path / "b.csv", tmp_path / "b.jsonl")
    assert found(tmp_path / "b.jsonl")[0]["messages"][1]["content"] == "a"
    (tmp_path / "c.csv").write_text('instruction,output\nq,a\nr,"b\ns,c\n')
    assert run(tmp_path / "c.csv", tmp_path / "c.jsonl").dropped == 1


@pytest.mark.parametrize(
    ("line", "to", "said"),
    [
        (
            b'{"id":"x","messages":[{"role":"user","content":"q"}],"seed":{"extra":{"n":%s}}}' % (b"9" * 30),
            "messages",
            "64-bit",
        ),
        (encode(talk(*["q", "a"] * 200)), "oasst", "Recursion limit"),
    ],
)
def test_what_json_cannot_hold_is_one_row_refused(tmp_path: Path, line: bytes, to: str, said: str) -> None:
    (tmp_path / "in.jsonl").write_bytes(line.rstrip() + b"\n" + encode(talk("q", "a")))
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl", to=to)
    assert report.dropped == 1
    assert said in next(iter(report.reasons))
    assert report.written == {str(tmp_path / "out.jsonl"): 1}


def test_values_of_another_kind_are_texts_in_a_table(tmp_path: Path) -> None:
    row = {"items": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "condition": 4}
    (tmp_path / "in.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    assert run(tmp_path / "in.jsonl", tmp_path / "out.parquet", to="openchat").dropped == 0
    assert found(tmp_path / "out.parquet")[0]["condition"] == "4"


def test_a_field_that_nobody_has_is_no_stratum(tmp_path: Path) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(5))
    with pytest.raises(UsageError, match="--by colour: no dialogue"):
        run(path, tmp_path / "out.jsonl", sample=2, by="colour")
    assert not (tmp_path / "out.jsonl").exists()


def test_pairs_of_copies_are_split_within_small_strata_too(tmp_path: Path) -> None:
    one = many(100, topics=10)
    copies = [talk(f"{d.messages[0].content} more", "b", id=f"c{d.id}", seed=d.seed) for d in one]
    path = laid_down(tmp_path / "in.jsonl", [*one, *copies])
    run(path, tmp_path / "out.jsonl", split=(0.8, 0.2), by="seed.topic")
    part = found(tmp_path / "out.test.jsonl")
    assert Counter(row["seed"]["topic"] for row in part) == {f"t{n}": 4 for n in range(10)}


def test_belles_rows_behind_others_are_folded_and_others_are_not(tmp_path: Path) -> None:
    others = [talk("q", "a", id="x"), talk("q", "a", "r", "b", id="y"), *many(150)]
    belle = named("belle").to_line(talk("s", "c", "t", "d"))
    (tmp_path / "in.jsonl").write_bytes(b"".join(map(encode, others)) + belle)
    report = run(tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    assert (report.folded, report.written) == (1, {str(tmp_path / "out.jsonl"): 153})


def test_one_object_over_many_lines_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(orjson.dumps(GOOD["alpaca"], option=orjson.OPT_INDENT_2))
    assert run(tmp_path / "in.json", tmp_path / "out.jsonl").written == {str(tmp_path / "out.jsonl"): 1}


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(UsageError, match="a pipe or a device"):
        run(tmp_path / "pipe.jsonl", tmp_path / "out.jsonl")


def test_another_conversion_that_came_first_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = laid_down(tmp_path / "in.jsonl", many(3))
    plain = named("ultrachat").to_line

    def slow(dialogue: Dialogue) -> bytes:
        (tmp_path / "out.jsonl").write_text("the other's")
        return bytes(plain(dialogue))

    monkeypatch.setattr("dialogue.formats.ultrachat.to_line", slow)
    with pytest.raises(UsageError, match="is there already"):
        run(path, tmp_path / "out.jsonl", to="ultrachat")
    assert (tmp_path / "out.jsonl").read_text() == "the other's"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_what_a_layout_has_no_place_for_is_named() -> None:
    calls = Message(role="assistant", content="", tool_calls=[{"name": "f"}, {"name": "g"}])
    assert any("beside another" in lost for lost in named("sharegpt").losses(Dialogue(id="x", messages=(calls,))))
    late = Dialogue(id="x", messages=(Message(role="user", content="q"), Message(role="system", content="s")))
    assert any("behind the first" in lost for lost in named("alpaca").losses(late))


def test_a_card_names_every_model_whose_answers_are_in_it_once_a_dialogue() -> None:
    answers = [{"content": f"Answer {n}", "model": name} for n, name in enumerate(("big", "small", "small", None))]
    said = (Message(role="user", content="Why?"), choice(answers))
    statistics = Statistics()
    for id in ("a", "b"):
        statistics.add(Dialogue(id=id, messages=said, assistant_model="big", user_model="judge"))
    assert "- Models: `big` (2), `judge` (2), `small` (2)" in card("set", {"train": statistics}, "messages", ["runs/x"])
