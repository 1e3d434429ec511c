import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.errors import RunStopped, UsageError
from dialogue.records import Failure, Message, Usage
from generator.folder.run_folder import RunFolder

PAID = Usage(requests=1, prompt_tokens=10, completion_tokens=5)
UGLY = "a\u2028b\r\nc\x00d\u0085 \U0001f600"


def opened(path: Path, **more: Any) -> RunFolder:
    return RunFolder.open(path, {"seed": 1}, {"version": "1"}, more.pop("say", lambda note: None), **more)


def with_openers(path: Path, count: int, **more: Any) -> RunFolder:
    folder = opened(path, **more)
    for index in range(count):
        folder.add_opener(orjson.dumps({"id": f"d-{index}", "opener": UGLY}))
    return folder


def say(folder: RunFolder, index: int, *contents: str) -> None:
    for n, content in enumerate(contents, 1):
        side = "assistant" if n % 2 else "user"
        folder.turn(
            index, n, side, Message(role=side, content=content), PAID, {"act": "more"} if side == "user" else None
        )


def finished(index: int) -> bytes:
    return orjson.dumps({"id": f"d-{index}", "messages": [], "stop": "max_turns"})


def failure(index: int) -> Failure:
    return Failure(id=f"d-{index}", stage="dialogue", reason="repeat", detail=UGLY)


def lines(path: Path) -> list[Any]:
    return [orjson.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


def add(totals: dict[str, Any], event: dict[str, Any]) -> None:
    totals[event["k"]] = totals.get(event["k"], 0) + 1
    if "usage" in event:
        totals["tokens"] = totals.get("tokens", 0) + event["usage"]["prompt_tokens"]


def test_a_dialogue_goes_on_where_it_was_left(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 3)
    say(folder, 1, UGLY, "second")
    folder.spent(1, "assistant", PAID)
    folder.reply(1, "assistant", {"content": UGLY}, PAID, "shape")
    folder.release()
    folder = opened(tmp_path)
    events = folder.events(1)
    assert [event["k"] for event in events] == ["turn", "turn", "spent", "reply"]
    assert (events[3]["reply"], events[3]["noted"]) == ({"content": UGLY}, "shape")
    assert [event["message"]["content"] for event in events[:2]] == [UGLY, "second"]
    assert events[1]["plan"] == {"act": "more"}
    assert "plan" not in events[0]
    assert Usage.model_validate(events[2]["usage"]) == PAID
    assert list(folder.unfinished(10)) == [1, 0, 2]
    assert list(folder.unfinished(1)) == [0]
    assert folder.events(0) == []
    assert folder.opener(2)["opener"] == UGLY
    folder.release()


def test_a_turn_is_with_the_operating_system_when_the_call_returns(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 1)
    say(folder, 0, "first")
    assert lines(tmp_path / "journal.jsonl")[-1]["message"] == {"role": "assistant", "content": "first"}
    assert folder.add_opener(b'{"id":"d-1"}\n') == 1
    assert lines(tmp_path / "openers.jsonl")[-1] == {"id": "d-1"}
    folder.release()


def test_lists_are_found_by_key_and_paid_once(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    folder.add_list("question/12", [UGLY, None], PAID, "schema")
    assert folder.items("question/12") == [UGLY, None]
    assert folder.items("question/13") is None
    folder.release()
    folder = opened(tmp_path, fold=add)
    assert folder.items("question/12") == [UGLY, None]
    assert folder.totals == {"list": 1, "tokens": 10}
    folder.release()


def test_replies_that_were_no_list_are_found_until_there_is_one(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    folder.refuse_list("question/12", {"content": UGLY}, PAID)
    folder.refuse_list("question/12", {"content": "second"}, PAID)
    folder.refuse_list("question/13", {"content": "other"}, PAID)
    folder.release()
    folder = opened(tmp_path, fold=add)
    assert folder.totals == {"list": 3, "tokens": 30}
    assert [one["content"] for one in folder.refused("question/12")] == [UGLY, "second"]
    assert (folder.items("question/12"), folder.any_list) == (None, False)
    folder.add_list("question/13", None, Usage(), "unreadable")
    assert (folder.items("question/13"), folder.refused("question/13"), folder.any_list) == ([], [], False)
    folder.add_list("question/12", ["x"], PAID, "text")
    assert (folder.items("question/12"), folder.refused("question/12"), folder.any_list) == (["x"], [], True)
    folder.release()


def test_while_no_list_was_read_another_request_may_take_the_folder_and_hears_of_no_reply(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    folder.refuse_list("question/12", {"content": "no list"}, PAID)
    folder.add_list("question/13", None, PAID, "unreadable")
    folder.release()
    folder = RunFolder.open(tmp_path, {"seed": 2}, {}, lambda note: None)
    assert (folder.refused("question/12"), folder.items("question/13")) == ([], None)
    folder.add_list("question/13", ["x"], PAID, "text")
    folder.release()
    with pytest.raises(UsageError, match="other settings"):
        opened(tmp_path)


def test_lists_that_all_came_to_nothing_are_asked_for_anew(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    folder.add_list("question/12", None, PAID, "unreadable")
    folder.refuse_list("question/13", {"content": "no list"}, PAID)
    folder.lists_anew()
    for _ in range(2):
        assert (folder.items("question/12"), folder.refused("question/13")) == (None, [])
        folder.release()
        folder = opened(tmp_path, fold=lambda totals, event: None)
    folder.release()


def test_failed_dialogues_stand_in_their_file_until_they_are_tried_again(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 3)
    say(folder, 2, "kept")
    folder.fail(2, failure(2))
    folder.fail(0, failure(0))
    assert (folder.failed_count, list(folder.unfinished(3))) == (2, [1])
    folder.close({})
    assert [line["id"] for line in lines(tmp_path / "failures.jsonl")] == ["d-0", "d-2"]
    assert lines(tmp_path / "failures.jsonl")[0]["detail"] == UGLY
    folder = opened(tmp_path)
    assert (folder.failed_count, folder.events(2)) == (2, [])
    assert folder.retry_failed() == 2
    assert [event["message"]["content"] for event in folder.events(2)] == ["kept"]
    assert list(folder.unfinished(3)) == [2, 0, 1]
    folder.done(2, finished(2))
    folder.close({})
    assert lines(tmp_path / "failures.jsonl") == []
    folder = opened(tmp_path)
    assert (folder.failed_count, folder.done_count, folder.retry_failed()) == (0, 1, 0)
    folder.release()


def test_the_file_of_failures_follows_at_a_checkpoint_but_not_at_every_one(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 2)
    for index in range(2):
        folder.fail(index, failure(index))
        folder.checkpoint({})
    assert len(lines(tmp_path / "failures.jsonl")) == 1
    folder._failures._next = 0.0
    folder.checkpoint({})
    assert len(lines(tmp_path / "failures.jsonl")) == 2
    written = (tmp_path / "failures.jsonl").stat().st_mtime_ns
    folder._failures._next = 0.0
    folder.checkpoint({})
    assert (tmp_path / "failures.jsonl").stat().st_mtime_ns == written
    folder.release()


def test_a_checkpoint_counts_nothing_twice(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 3)
    say(folder, 0, "a", "b")
    say(folder, 1, "a")
    folder.done(0, finished(0))
    folder.checkpoint({"turn": 3, "tokens": 30, "done": 1})
    say(folder, 1, "b")
    folder.fail(2, failure(2))
    folder.done(1, finished(1))
    folder.release()
    expected = {"turn": 4, "tokens": 40, "done": 2, "fail": 1}
    folder = opened(tmp_path, fold=add)
    assert folder.totals == expected
    folder.release()
    (tmp_path / "checkpoint.json").unlink()
    folder = opened(tmp_path, fold=add)
    assert folder.totals == expected
    folder.release()


def test_a_fresh_checkpoint_spares_the_reading_of_what_is_finished(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 40)
    for index in range(39):
        say(folder, index, "a" * 1000)
        folder.done(index, finished(index))
    say(folder, 39, "open")
    folder.checkpoint({})
    folder.release()
    seen: list[dict[str, Any]] = []
    folder = opened(tmp_path, fold=lambda totals, event: seen.append(event))
    assert (folder.done_count, seen) == (39, [])
    # the finished part is not even looked at: 20,000 bytes before the end may be anything
    folder.release()
    with (tmp_path / "journal.jsonl").open("r+b") as file:
        file.write(b"garbage")
    folder = opened(tmp_path)
    assert [event["message"]["content"] for event in folder.events(39)] == ["open"]
    folder.release()


@pytest.mark.parametrize("damage", ["hash", "length", "json"])
def test_a_checkpoint_that_does_not_fit_the_logs_is_not_used(tmp_path: Path, damage: str) -> None:
    folder = with_openers(tmp_path, 2)
    say(folder, 0, "a")
    folder.done(0, finished(0))
    folder.checkpoint({"turn": 99})
    folder.release()
    saved = orjson.loads((tmp_path / "checkpoint.json").read_bytes())
    if damage == "hash":
        saved["hashes"]["journal.jsonl"] = "0" * 32
    elif damage == "length":
        saved["ends"]["dialogues.jsonl"] += 1
    written = orjson.dumps(saved)
    (tmp_path / "checkpoint.json").write_bytes(written[:-1] if damage == "json" else written)
    notes: list[str] = []
    folder = opened(tmp_path, say=notes.append, fold=add)
    assert (folder.done_count, folder.totals) == (1, {"turn": 1, "tokens": 10, "done": 1})
    assert any("reading the whole journal" in note for note in notes)
    folder.release()
    folder = opened(tmp_path, say=notes.append, fold=add)
    assert len(notes) == 1
    folder.release()


def test_the_background_thread_writes_the_checkpoint_before_the_folder_is_let_go(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 1)
    folder.start_sync()
    say(folder, 0, "a")
    folder.checkpoint({"x": 1})
    folder.close({"dialogues": 0})
    assert orjson.loads((tmp_path / "checkpoint.json").read_bytes())["totals"] == {"x": 1}
    assert orjson.loads((tmp_path / "summary.json").read_bytes()) == {"dialogues": 0}
    assert not (tmp_path / ".ballast").exists()
    opened(tmp_path).release()


@pytest.mark.parametrize("name", ["journal.jsonl", "dialogues.jsonl", "openers.jsonl"])
def test_an_unreadable_line_in_the_middle_is_named(tmp_path: Path, name: str) -> None:
    folder = with_openers(tmp_path, 3)
    for index in range(3):
        say(folder, index, "a")
        folder.done(index, finished(index))
    folder.release()
    whole = (tmp_path / name).read_bytes().split(b"\n")
    whole[1] = b"{torn"
    (tmp_path / name).write_bytes(b"\n".join(whole))
    with pytest.raises(UsageError, match=rf"{name}:2: "):
        opened(tmp_path)
    assert (tmp_path / name).read_bytes() == b"\n".join(whole)


def test_a_line_that_is_no_event_is_named(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 1)
    say(folder, 0, "a")
    folder.release()
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"k":"turn"}\n{"k":"done","i":0,"at":[]}\n')
    with pytest.raises(UsageError, match=r"journal\.jsonl:2: "):
        opened(tmp_path)


def test_lines_of_dialogues_that_belong_to_nobody_are_set_aside(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 2)
    folder.done(0, finished(0))
    folder.release()
    with (tmp_path / "dialogues.jsonl").open("ab") as file:
        file.write(finished(0) + b"\n" + finished(7) + b"\n" + finished(1) + b"\n")
    notes: list[str] = []
    folder = opened(tmp_path, say=notes.append)
    assert [line["id"] for line in lines(tmp_path / "dialogues.jsonl")] == ["d-0", "d-1"]
    assert [line["id"] for line in lines(tmp_path / "strays.jsonl")] == ["d-0", "d-7"]
    assert folder.done_count == 2
    assert any("strays.jsonl" in note for note in notes)
    folder.release()


def test_a_deleted_file_of_dialogues_is_made_again_from_the_journal(tmp_path: Path) -> None:
    folder = with_openers(tmp_path, 3)
    for index in range(3):
        say(folder, index, "a", "b")
        folder.done(index, finished(index))
    folder.checkpoint({})
    folder.release()
    (tmp_path / "dialogues.jsonl").unlink()
    for _ in range(2):
        folder = opened(tmp_path)
        assert folder.done_count == 0
        assert [len(folder.events(index)) for index in range(3)] == [2, 2, 2]
        folder.release()


def test_an_out_that_is_a_file_or_lies_in_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"mine")
    for path in (tmp_path / "file", tmp_path / "file" / "deeper"):
        with pytest.raises(UsageError, match=r"--out .*file"):
            opened(path)
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_missing_parents_are_made(tmp_path: Path) -> None:
    opened(tmp_path / "a" / "b").release()
    assert (tmp_path / "a" / "b" / "run.json").exists()


def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("needs leave to mount a tmpfs")
    try:
        for path in (tmp_path, tmp_path / "deeper"):
            with pytest.raises(UsageError, match="cannot be written to"):
                opened(path)
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_second_opening_in_the_same_process_is_refused(tmp_path: Path) -> None:
    folder = opened(tmp_path)
    with pytest.raises(UsageError, match=f"pid {os.getpid()}"):
        opened(tmp_path)
    folder.release()
    folder.release()
    opened(tmp_path).release()


HOLDER = """
import sys
from pathlib import Path
from generator.folder.run_folder import RunFolder

folder = RunFolder.open(Path(sys.argv[1]), {"seed": 1}, {"version": "1"}, lambda note: None)
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_second_process_is_refused_until_the_first_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        with pytest.raises(UsageError) as refused:
            opened(tmp_path)
        other.kill()
    assert str(tmp_path) in str(refused.value)
    assert f"pid {other.pid}" in str(refused.value)
    opened(tmp_path).release()


def test_a_failed_opening_lets_the_folder_go(tmp_path: Path) -> None:
    begun = opened(tmp_path)
    begun.add_opener(b'{"id": "a", "opener": "b"}\n')
    begun.release()
    with pytest.raises(UsageError, match="seed was 1, is now 2"):
        RunFolder.open(tmp_path, {"seed": 2}, {}, lambda note: None)
    opened(tmp_path).release()


def fill(folder: RunFolder, path: Path) -> int:
    """Take turns until the disk is known to be full; how many were taken."""
    for n in range(100_000):
        if folder.full:
            return n
        folder.turn(0, n, "assistant", Message(role="assistant", content="x" * 5000), PAID)
    raise AssertionError("the disk never filled up")


def test_a_full_disk_ends_the_run_in_good_order_and_a_freed_one_resumes_it(tmp_path: Path) -> None:
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", tmp_path], capture_output=True).returncode:
        pytest.skip("needs leave to mount a tmpfs")
    try:
        (tmp_path / "filler").write_bytes(b"x" * (5 << 20))
        folder = with_openers(tmp_path / "run", 2)
        taken = fill(folder, tmp_path)
        assert folder.full is not None
        assert "disk full" in folder.full
        folder.turn(0, taken, "assistant", Message(role="assistant", content="in flight"), PAID)
        folder.checkpoint({})
        with pytest.raises(RunStopped, match=r"disk full.*free space"):
            say(folder, 1, *["y" * 50_000] * 1000)
        folder.release()
        with pytest.raises(RunStopped, match=r"disk full.*free space"):
            opened(tmp_path / "run")
        (tmp_path / "filler").unlink()
        notes: list[str] = []
        folder = opened(tmp_path / "run", say=notes.append)
        assert folder.full is None
        assert len(folder.events(0)) == taken + 1
        assert not any("torn" in note for note in notes)
        folder.close({})
    finally:
        subprocess.run(["umount", tmp_path], check=True)


def test_a_checkpoint_that_the_disk_refuses_stops_the_asking_and_not_the_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = with_openers(tmp_path, 1)

    def refuse(path: Path, chunks: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("generator.folder.checkpoint.write_atomically", refuse)
    folder.checkpoint({})
    assert folder.full
    say(folder, 0, "in flight")
    folder.release()
    monkeypatch.undo()
    folder = opened(tmp_path)
    assert len(folder.events(0)) == 1
    folder.release()
