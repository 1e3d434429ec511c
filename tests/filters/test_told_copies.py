"""What is told of copies: of which file, on which line, and which ids are not alone."""

import random
from pathlib import Path

import orjson
import pytest
from toys import Never, Same, filtered, lines, steps, talk, write

from filters.near_duplicates import NearDuplicates
from gen.main import main

SAID = [{"role": "user", "content": "Why is the sky blue?"}, {"role": "assistant", "content": "Light is scattered."}]


def nameless(path: Path, n: int = 3) -> Path:
    rows = [orjson.dumps({"messages": SAID, "number": number}) for number in range(n)]
    path.write_bytes(b"\n\n".join(rows))  # a blank line between
    return path


@pytest.mark.parametrize("block_bytes", [10, 100_000])
def test_copies_without_ids_are_told_by_their_lines(tmp_path: Path, block_bytes: int) -> None:
    source = nameless(tmp_path / "in.jsonl")
    filtered(tmp_path / "out", steps(Same()), source, block_bytes=block_bytes)
    dropped = lines(tmp_path / "out/dropped.jsonl")
    assert [line["evidence"]["at"] for line in dropped] == [f"{source}:3", f"{source}:5"]
    assert {line["evidence"]["kept_at"] for line in dropped} == {f"{source}:1"}


def test_copies_of_an_array_are_told_by_their_rows(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_bytes(orjson.dumps([{"messages": SAID}] * 2 + [{"text": 3}]))
    filtered(tmp_path / "out", steps(Same()), source)
    (dropped,) = lines(tmp_path / "out/dropped.jsonl")
    assert (dropped["evidence"]["kept_at"], dropped["evidence"]["at"]) == (f"{source}: row 1", f"{source}: row 2")
    assert lines(tmp_path / "out/refused.jsonl")[0]["place"] == f"{source}: row 3"


def test_copies_of_earlier_data_say_of_which_file_also_where_they_are_the_same_record(tmp_path: Path) -> None:
    old = write(tmp_path / "old.jsonl", [talk("hi", "a", id="a"), talk("ho", "a", id="z")])
    new = write(tmp_path / "new.jsonl", [talk("hi", "a", id="a"), talk("ho", "a", id="b"), talk("he", "a", id="c")])
    report = filtered(tmp_path / "out", steps(Same()), new, against=(old,))
    same, other = (line["evidence"] for line in lines(tmp_path / "out/dropped.jsonl"))
    assert (same["kept"], same["in"], same["kept_at"]) == ("a", str(old), f"{old}:1")
    assert (other["kept"], other["in"]) == ("z", str(old))
    assert "at" not in other
    assert (report["filters"][0]["dropped"], report["filters"][0]["earlier"]) == (2, 2)


def test_ids_that_are_not_alone_are_counted_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [talk(f"Why is the number {n} so odd in all of that?", "It is so.", id="same") for n in "abc"]
    source = write(tmp_path / "in.jsonl", [*rows, talk("What is it?", "It is a lake.", id="alone")])
    report = filtered(tmp_path / "out", steps(Never()), source)
    assert report["repeated_ids"] == {"dialogues": 3, "ids": 1, "such_as": "same"}
    command = ["filter", str(source), "--out", str(tmp_path / "cli"), "--workers", "1", "--preset", "vicuna"]
    assert main(command) == 0
    assert "3 kept dialogues share an id with another one, such as same" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(4))
def test_of_copies_with_one_id_the_order_of_the_input_does_not_choose(tmp_path: Path, seed: int) -> None:
    said = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    rows = [talk(f"{said} {last}", "a", id="same") for last in ("seventeen", "eighteen", "nineteen", "twenty")]
    chain = steps(NearDuplicates(planted=0, threshold=0.5))
    filtered(tmp_path / "one", chain, write(tmp_path / "one.jsonl", rows))
    filtered(tmp_path / "two", chain, write(tmp_path / "two.jsonl", random.Random(seed).sample(rows, len(rows))))
    assert lines(tmp_path / "one/kept.jsonl") == lines(tmp_path / "two/kept.jsonl")


def test_only_the_last_pass_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from filters.engine.block_walk import BlockWalk

    told: list[object] = []
    tell = BlockWalk._tell
    monkeypatch.setattr(BlockWalk, "_tell", lambda self, *more: (told.append(more), tell(self, *more))[1])
    source = nameless(tmp_path / "in.jsonl")
    report = filtered(tmp_path / "out", steps(Never(), Same(), Never(), Same(level="opener")), source)
    assert len(told) == 2
    assert [step["read"] for step in report["filters"]] == [3, 3, 1, 1]
