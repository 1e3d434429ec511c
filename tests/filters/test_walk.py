"""A corpus through a chain: nothing lost, the same result however it is run, and nothing computed twice."""

import random
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from toys import Never, Same, Shout, Words, filtered, lines, results, steps, talk, write

from dialogue.errors import RunStopped, UsageError
from dialogue.records import Dialogue, Message
from filters.engine.base import Limits
from filters.exact_duplicates import ExactDuplicates
from filters.near_duplicates import NearDuplicates
from filters.secrets import Secrets
from filters.turns import Turns


def corpus(n: int, seed: int = 0) -> list[Dialogue]:
    draw = random.Random(seed)
    words = ["one", "two", "three", "never", "shout", "四", "\u2028", "<script>"]
    return [talk(" ".join(draw.choices(words, k=draw.randint(1, 5))), "a b", id=f"d{number:04}") for number in range(n)]


CHAIN = steps(Words(), Same(), Shout(), Never(), Same(level="opener"))


def test_what_is_read_is_kept_or_dropped_with_filter_and_reason(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", corpus(300))
    report = filtered(tmp_path / "out", CHAIN, source)
    kept, dropped = lines(tmp_path / "out/kept.jsonl"), lines(tmp_path / "out/dropped.jsonl")
    assert report["read"] == 300 == len(kept) + len(dropped)
    assert report["kept"] == len(kept)
    assert report["dropped"] == len(dropped) > 50
    assert {line["filter"] for line in dropped} == {"words", "same", "never"}
    assert {line["id"] for line in kept} | {line["id"] for line in dropped} == {d.id for d in corpus(300)}
    assert all(line["record"]["id"] == line["id"] for line in dropped)
    for step, before in zip(report["filters"][1:], report["filters"], strict=False):
        assert step["read"] == before["read"] - before["dropped"]


def test_a_copy_names_the_kept_one_and_an_edit_is_counted(tmp_path: Path) -> None:
    source = write(
        tmp_path / "in.jsonl", [talk("hi", "a", id="b"), talk("hi", "a", id="a"), talk("shout", "b", id="c")]
    )
    report = filtered(tmp_path / "out", steps(Same(), Shout()), source)
    (dropped,) = lines(tmp_path / "out/dropped.jsonl")
    assert dropped["evidence"] == {"kept": "a", "jaccard": 1.0}
    assert dropped["id"] == "b"
    assert lines(tmp_path / "out/kept.jsonl")[1]["messages"][0]["content"] == "SHOUT"
    assert report["edited"] == 1 == report["filters"][1]["edited"]
    assert report["filters"][0]["examples"][0]["beside"]["id"] == "a"


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000), size=st.integers(1, 3000), shuffle=st.booleans())
def test_blocks_and_their_order_change_nothing(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int, shuffle: bool
) -> None:
    folder = tmp_path_factory.mktemp("walk")
    dialogues = corpus(60, seed)
    filtered(folder / "one", CHAIN, write(folder / "in.jsonl", dialogues))
    other = random.Random(seed).sample(dialogues, len(dialogues)) if shuffle else dialogues
    filtered(folder / "two", CHAIN, write(folder / "in2.jsonl", other), block_bytes=size)
    for name in ("kept.jsonl", "dropped.jsonl"):
        one, two = lines(folder / "one" / name), lines(folder / "two" / name)
        key = lambda line: line["id"]  # noqa: E731
        assert sorted(one, key=key) == sorted(two, key=key)


def test_several_workers_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filters.engine.walk.INLINE_BYTES", 0)
    source = write(tmp_path / "in.jsonl", corpus(200))
    filtered(tmp_path / "one", CHAIN, source, workers=1, block_bytes=2000)
    filtered(tmp_path / "two", CHAIN, source, workers=3, block_bytes=2000)
    assert results(tmp_path / "one") == results(tmp_path / "two")


def test_nothing_is_asked_twice_and_a_changed_filter_asks_only_its_own(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", corpus(100))
    asked, again = tmp_path / "asked", tmp_path / "again"
    chain = steps(Words(), Never(asked=str(asked)))
    first = filtered(tmp_path / "out", chain, source)
    seen = asked.read_bytes().splitlines()
    assert len(seen) == first["filters"][1]["read"]
    assert filtered(tmp_path / "out", chain, source) == first
    assert asked.read_bytes().splitlines() == seen
    looser = filtered(tmp_path / "out", steps(Words(most_words=100), Never(asked=str(asked))), source)
    assert looser["filters"][0]["dropped"] == 0
    assert len(asked.read_bytes().splitlines()) == 100  # those that Words had dropped, and no other
    tighter = filtered(tmp_path / "out", chain, source)
    assert tighter == first
    assert not again.exists()


def test_a_longer_file_computes_only_what_is_new(tmp_path: Path) -> None:
    source, asked = tmp_path / "in.jsonl", tmp_path / "asked"
    chain = steps(Never(asked=str(asked)))
    write(source, corpus(100))
    filtered(tmp_path / "out", chain, source, block_bytes=1000)
    write(source, [*corpus(100), *(talk("more", "a", id=f"e{n}") for n in range(10))])
    filtered(tmp_path / "out", chain, source, block_bytes=1000)
    assert 110 <= len(asked.read_bytes().splitlines()) < 130  # the last block is read again
    assert len(lines(tmp_path / "out/kept.jsonl")) + len(lines(tmp_path / "out/dropped.jsonl")) == 110


def test_earlier_data_wins_and_is_not_filtered_itself(tmp_path: Path) -> None:
    old = write(tmp_path / "old.jsonl", [talk("hi", "a", id="z"), talk("never", "a", id="y")])
    new = write(tmp_path / "new.jsonl", [talk("hi", "a", id="a"), talk("ho", "a", id="b")])
    report = filtered(tmp_path / "out", steps(Never(), Same()), new, against=(old,))
    assert [line["id"] for line in lines(tmp_path / "out/kept.jsonl")] == ["b"]
    assert lines(tmp_path / "out/dropped.jsonl")[0]["evidence"]["kept"] == "z"
    assert report["read"] == 2


def test_odd_files(tmp_path: Path) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.write_bytes(b"")
    report = filtered(tmp_path / "e", CHAIN, empty)
    assert report["read"] == report["kept"] == 0
    assert (tmp_path / "e/kept.jsonl").read_bytes() == b""
    odd = tmp_path / "odd.jsonl"
    good = b'{"messages": [{"role": "user", "content": "a\xe2\x80\xa8b"}], "source": "x"}\n'
    odd.write_bytes(b"\xef\xbb\xbf" + good + b"\n  \n" + b'[1, 2]\n{"messages": 3}\n' + good[:20])
    report = filtered(tmp_path / "o", steps(Never()), odd)
    (kept,) = lines(tmp_path / "o/kept.jsonl")
    assert kept["seed"]["extra"] == {"source": "x"}
    assert kept["messages"][0]["content"] == "a\u2028b"
    assert kept["id"]
    refused = lines(tmp_path / "o/refused.jsonl")
    assert [line["place"] for line in refused] == [f"{odd}:4", f"{odd}:5"]
    assert report["refused"] == 2
    assert report["read"] == 3
    assert report["inputs"][0]["torn"]
    odd.write_bytes(good + b"{nonsense\n" + good)
    with pytest.raises(UsageError, match=r"odd.jsonl:2: not JSON"):
        filtered(tmp_path / "n", steps(Never()), odd)


def test_a_json_array_and_a_foreign_format(tmp_path: Path) -> None:
    array = tmp_path / "array.json"
    rows = [{"id": "x", "conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}] * 3
    array.write_bytes(orjson.dumps(rows))
    report = filtered(tmp_path / "out", steps(Same()), array)
    assert report["read"] == 3
    assert report["kept"] == 1
    assert lines(tmp_path / "out/kept.jsonl")[0]["messages"][1] == {"role": "assistant", "content": "b"}
    with pytest.raises(UsageError, match="no such file"):
        filtered(tmp_path / "out2", CHAIN, tmp_path / "absent")


def test_a_folder_is_not_shared_by_two_inputs_nor_two_commands(tmp_path: Path) -> None:
    from dialogue.lock import take_folder

    one, two = (write(tmp_path / name, corpus(5)) for name in ("one.jsonl", "two.jsonl"))
    filtered(tmp_path / "out", CHAIN, one)
    with pytest.raises(UsageError, match="name another folder"):
        filtered(tmp_path / "out", CHAIN, two)
    (tmp_path / "run").mkdir()
    (tmp_path / "run/dialogues.jsonl").touch()
    with pytest.raises(UsageError, match="name another folder"):
        filtered(tmp_path / "run", CHAIN, one)
    lock = take_folder(tmp_path / "out")
    with pytest.raises(UsageError, match="another command"):
        filtered(tmp_path / "out", CHAIN, one)
    lock.release()


def test_a_full_disk_stops_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, walked: object) -> None:
        raise OSError(28, "No space left on device", "kept.jsonl")

    source = write(tmp_path / "in.jsonl", corpus(5))
    before = filtered(tmp_path / "out", CHAIN, source)
    monkeypatch.setattr("filters.engine.writing.Output.add", full)
    with pytest.raises(RunStopped, match="disk full"):
        filtered(tmp_path / "out", CHAIN, source)
    assert orjson.loads((tmp_path / "out/report.json").read_bytes()) == before
    assert not list((tmp_path / "out").glob(".*.new"))


def test_a_result_that_does_not_add_up_replaces_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.jsonl", corpus(20))
    monkeypatch.setattr("filters.engine.writing._count_lines", lambda path: 3)
    with pytest.raises(RuntimeError, match="bug of ours"):
        filtered(tmp_path / "out", CHAIN, source)
    assert not (tmp_path / "out/kept.jsonl").exists()


def test_an_input_that_is_not_there_leaves_the_folder_to_the_right_one(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", corpus(5))
    with pytest.raises(UsageError, match="no such file"):
        filtered(tmp_path / "out", CHAIN, tmp_path / "im.jsonl")
    assert filtered(tmp_path / "out", CHAIN, source)["read"] == 5


def test_what_another_chain_wrote_beside_the_result_goes_with_it(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", corpus(20))
    filtered(tmp_path / "out", steps(NearDuplicates(planted=0)), source)
    assert (tmp_path / "out/pairs.jsonl").exists()
    filtered(tmp_path / "out", steps(Words()), source)
    assert not (tmp_path / "out/pairs.jsonl").exists()


def test_a_line_that_was_no_dialogue_is_looked_at_again_by_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(b'{"text": "hi"}\n')
    assert filtered(tmp_path / "out", steps(Never()), source)["refused"] == 1
    monkeypatch.setattr("filters.engine.info.sources", lambda: "a version that reads texts")
    monkeypatch.setattr("dialogue.formats.messages.recognise", lambda fields: "text" in fields)
    monkeypatch.setattr("dialogue.formats.messages.from_object", lambda fields: talk(fields["text"], "a", id="x"))
    report = filtered(tmp_path / "out", steps(Never()), source)
    assert (report["refused"], report["kept"]) == (0, 1)


def test_a_row_that_was_dropped_before_an_edit_is_compared_as_edited_later(tmp_path: Path) -> None:
    rows = [talk("shout x y z", "a", id="a"), talk("bee", "b", id="b"), talk("SHOUT X Y Z", "A", id="c")]
    source = write(tmp_path / "in.jsonl", rows)
    every = steps(Never(word="bee"), Words(most_words=9), Shout(), Same())
    for chain in (every, steps(Never(word="wasp"), Words(most_words=3), Shout(), Same()), every):
        report = filtered(tmp_path / "out", chain, source)
    assert [line["id"] for line in lines(tmp_path / "out/dropped.jsonl")] == ["b", "c"]
    assert report["kept"] == 1


@pytest.mark.parametrize("first", ["as input", "as earlier data"])
def test_earlier_data_is_compared_as_it_is_whatever_was_computed_of_it_as_input(tmp_path: Path, first: str) -> None:
    old = write(tmp_path / "old.jsonl", [talk("shout", "a", id="z")])
    new = write(tmp_path / "new.jsonl", [talk("SHOUT", "A", id="y"), talk("shout", "a", id="x")])
    chain, cache = steps(Shout(), Same()), tmp_path / "cache"
    if first == "as input":
        filtered(tmp_path / "old", chain, old, cache=cache)
    filtered(tmp_path / "out", chain, new, against=(old,), cache=cache)
    assert [line["id"] for line in lines(tmp_path / "out/kept.jsonl")] == ["x"]
    both = write(tmp_path / "both.jsonl", [talk("SHOUT", "A", id="y")])
    filtered(tmp_path / "again", chain, old, both, cache=cache)
    assert [line["id"] for line in lines(tmp_path / "again/kept.jsonl")] == ["y"]


def test_what_other_limits_would_drop_is_counted_on_the_values_themselves(tmp_path: Path) -> None:
    rows = [talk("w " * (count - 2) + "w", "a", id=f"d{count}") for count in (98, 99, 100, 101, 102, 103, 110, 130)]
    source = write(tmp_path / "in.jsonl", rows)
    report = filtered(tmp_path / "out", steps(Words(most_words=100)), source)
    assert report["dropped"] == 5
    measured = report["filters"][0]["measures"]["words"]
    assert dict(map(tuple, measured["at"])) == {
        50: 8,
        60: 8,
        70: 8,
        80: 8,
        90: 8,
        100: 5,
        110: 1,
        120: 1,
        130: 0,
        140: 0,
        150: 0,
    }


def measured(out: Path, filter: Limits, source: Path) -> dict[str, dict[float, int]]:
    (found,) = filtered(out, steps(filter), source)["filters"][0]["measures"].values()
    return {name: dict(map(tuple, found[name])) for name in ("at", "at_least")}


def test_what_is_counted_has_whole_limits_and_both_of_them_are_tried(tmp_path: Path) -> None:
    source = write(tmp_path / "in.jsonl", [talk(*["w"] * 2 * rounds, id=f"d{rounds}") for rounds in (1, 2, 3, 7)])
    lower = measured(tmp_path / "one", Turns(least_rounds=1), source)
    assert lower == {"at": {0: 0, 1: 0, 2: 1, 3: 2, 4: 3, 5: 3, 6: 3}, "at_least": {}}
    both = measured(tmp_path / "two", Turns(least_rounds=2, most_rounds=0), source)
    assert both["at"] == {0: 4, 1: 3, 2: 2, 3: 1, 4: 1, 5: 1}
    assert both["at_least"] == {0: 0, 1: 0, 2: 1, 3: 2, 4: 3, 5: 3, 6: 3, 7: 3}
    page = (tmp_path / "two/report.html").read_text()
    assert "Dropped, if the most were" in page
    assert "Dropped, if the least were" in page


@pytest.mark.parametrize("setting", [{"least_rounds": 1.5}, {"most_rounds": -1}])
def test_a_limit_of_what_is_counted_is_a_whole_number(setting: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match="expected a whole number, 0 or more"):
        Turns(**setting)


def test_edits_are_shown_before_and_after_and_secrets_at_no_time(tmp_path: Path) -> None:
    rows = [talk("a leading answer", "b", "c", id="x"), talk("Write to jane.roe77@corp-mail.org", "Done.", id="y")]
    rows[0] = rows[0].model_copy(
        update={"messages": (Message(role="assistant", content="I lead"), *talk("why", "so").messages)}
    )
    report = filtered(tmp_path / "out", steps(Turns(), Secrets()), write(tmp_path / "in.jsonl", rows))
    (trimmed,), (hidden,) = (step["edits"] for step in report["filters"])
    assert [len(trimmed[side]) for side in ("messages", "after")] == [3, 2]
    assert hidden["after"][0]["content"] == "Write to <email>"
    page = (tmp_path / "out/report.html").read_text()
    assert "I lead" in page
    assert "jane.roe77" not in page + (tmp_path / "out/report.json").read_text()
    notes = report["filters"][1]
    assert (notes["noted"], notes["notes"]) == (1, 1)


def test_the_report_says_where_the_notes_are(tmp_path: Path) -> None:
    mail = [talk("Write to jane.roe77@corp-mail.org", "Done.", id="a")]
    report = filtered(tmp_path / "out", steps(Secrets()), write(tmp_path / "in.jsonl", mail))
    assert report["notes"] == "notes.jsonl"
    assert "notes.jsonl" in (tmp_path / "out/report.html").read_text()
    assert filtered(tmp_path / "none", steps(Words()), write(tmp_path / "in.jsonl", mail))["notes"] is None


def test_of_copies_the_one_with_the_best_score_stays_wherever_the_score_stands(tmp_path: Path) -> None:
    said = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"}]
    rows = [{"id": id, "messages": said, "quality": quality} for id, quality in (("a", 1), ("b", 3), ("c", None))]
    source = tmp_path / "in.jsonl"
    source.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    filtered(tmp_path / "out", steps(ExactDuplicates(prefer="seed.extra.quality")), source)
    assert [line["id"] for line in lines(tmp_path / "out/kept.jsonl")] == ["b"]
