import errno
import os
import threading
from pathlib import Path

import pytest

from dialogue.errors import RunStopped, UsageError
from generator.folder.appendlog import AppendLog, line_starts
from generator.folder.disk import Disk
from generator.folder.syncer import Syncer


@pytest.fixture
def log(tmp_path: Path) -> AppendLog:
    return AppendLog(tmp_path / "a.jsonl", Disk(tmp_path))


def refuse_after(monkeypatch: pytest.MonkeyPatch, room: int, number: int) -> list[int]:
    """Let os.write take `room` more bytes in pieces of 10, then refuse with the error; room[0] may be raised later."""
    left = [room]
    write = os.write

    def limited(descriptor: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))
        taken = write(descriptor, bytes(data[: min(10, left[0])]))
        left[0] -= taken
        return taken

    monkeypatch.setattr(os, "write", limited)
    return left


def test_a_line_stands_at_the_offset_that_append_gave(log: AppendLog) -> None:
    offsets = [log.append(line) for line in (b'{"a":1}\n', '{"a":"\u2028 \\r\\n \\u0000"}\n'.encode(), b'{"a":3}\n')]
    assert [log.object(offset)["a"] for offset in offsets] == [1, "\u2028 \r\n \x00", 3]
    assert list(line_starts(log.path)) == offsets
    assert log.end == log.path.stat().st_size


def test_line_starts_are_found_across_blocks(log: AppendLog) -> None:
    lines = [b'{"a":"' + b"x" * size + b'"}\n' for size in (1 << 20, 3, (1 << 21) + 7, 0)]
    assert [log.append(line) for line in lines] == list(line_starts(log.path))


def test_a_write_that_the_system_takes_in_pieces_is_completed(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_after(monkeypatch, 10_000, errno.ENOSPC)
    log.append(b'{"a":"a line of more than ten bytes"}\n')
    assert log.object(0) == {"a": "a line of more than ten bytes"}


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO])
def test_a_refused_line_leaves_no_part_of_itself(log: AppendLog, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    log.append(b'{"a":1}\n')
    left = refuse_after(monkeypatch, 25, number)
    with pytest.raises(RunStopped, match=os.strerror(number)):
        log.append(b'{"a":"a line of more than twenty-five bytes"}\n')
    assert log.path.read_bytes() == b'{"a":1}\n'
    left[0] = 1000
    assert log.append(b'{"a":2}\n') == 8
    assert log.path.read_bytes() == b'{"a":1}\n{"a":2}\n'


def test_an_interrupt_inside_a_write_leaves_no_part_of_the_line(
    log: AppendLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write

    def interrupted(descriptor: int, data: bytes) -> int:
        write(descriptor, data[:5])
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        log.append(b'{"a":1}\n')
    assert (log.end, log.path.read_bytes()) == (0, b"")


def test_nothing_is_glued_to_a_torn_line_that_could_not_be_cut(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    left = refuse_after(monkeypatch, 10, errno.EIO)

    def refuse(descriptor: int, size: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "ftruncate", refuse)
    for _ in range(2):
        with pytest.raises(RunStopped, match=r"a\.jsonl"):
            log.append(b'{"a":"a line of more than ten bytes"}\n')
        left[0] = 1000
    assert log.path.stat().st_size == 10


@pytest.mark.parametrize(
    ("tail", "kept", "said"),
    [
        (b'{"a":2', b"", 1),
        (b"\0\0\0\0", b"", 1),
        (b'"word"', b"", 1),
        (b"\xe4", b"", 1),
        (b'{"a":2}', b'{"a":2}\n', 0),
        (b"", b"", 0),
    ],
)
def test_a_torn_last_line_is_cut_and_said_and_a_whole_one_kept(
    log: AppendLog, tail: bytes, kept: bytes, said: int
) -> None:
    log.path.write_bytes(b'{"a":1}\n' + tail)
    again, notes = AppendLog(log.path, Disk(log.path.parent)), []
    again.mend_tail(notes.append)
    assert log.path.read_bytes() == b'{"a":1}\n' + kept
    assert again.end == log.path.stat().st_size
    assert len(notes) == said
    assert all(f"({len(tail)} bytes)" in note for note in notes)


def test_a_torn_line_longer_than_any_block_is_cut(log: AppendLog) -> None:
    log.path.write_bytes(b'{"a":1}\n{"a":"' + b"x" * (5 << 20))
    AppendLog(log.path, Disk(log.path.parent)).mend_tail(lambda note: None)
    assert log.path.read_bytes() == b'{"a":1}\n'


@pytest.mark.parametrize("bad", [b"{not json}\n", b"[1]\n", b'{"a":"\xff"}\n'])
def test_another_unreadable_line_is_named_by_path_and_line(log: AppendLog, bad: bytes) -> None:
    log.path.write_bytes(b'{"a":1}\n{"a":2}\n' + bad + b'{"a":4}\n')
    with pytest.raises(UsageError, match=r"a\.jsonl:3: "):
        list(log.objects(8))


def test_sync_passes_over_a_log_that_has_not_grown(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("generator.folder.appendlog._sync", synced.append)
    for expected in (1, 1, 2):
        if expected == 2:
            log.append(b"{}\n")
        log.sync()
        assert len(synced) == expected


def test_the_thread_syncs_what_is_appended_while_it_runs(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    log.sync()
    synced = threading.Event()
    monkeypatch.setattr("generator.folder.appendlog._sync", lambda descriptor: synced.set())
    syncer = Syncer([log], Disk(log.path.parent))
    syncer.start(0.001)
    log.append(b"{}\n")
    assert synced.wait(30)
    syncer.stop()


def test_a_failed_sync_refuses_every_later_line(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("generator.folder.appendlog._sync", fail)
    log.append(b"{}\n")
    log.sync()
    with pytest.raises(RunStopped, match=os.strerror(errno.EIO)):
        log.append(b"{}\n")


def test_work_handed_to_the_thread_is_done_before_it_stops_and_its_error_is_raised(log: AppendLog) -> None:
    syncer, done = Syncer([log], Disk(log.path.parent)), []
    syncer.start(60)
    for number in range(5):
        syncer.hand(lambda number=number: done.append(number))
    syncer.stop()
    assert done[-1] == 4
    syncer.start(60)
    syncer.hand(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        syncer.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_sync_thread_that_dies_refuses_every_later_line(log: AppendLog, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(descriptor: int) -> None:
        raise SystemExit

    monkeypatch.setattr("generator.folder.appendlog._sync", die)
    syncer = Syncer([log], log._disk)
    syncer.start(60)
    assert syncer._thread is not None
    syncer._thread.join(30)
    with pytest.raises(RunStopped, match="thread"):
        log.append(b"{}\n")
