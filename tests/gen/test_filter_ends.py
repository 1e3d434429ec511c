"""How `gen filter` and `gen contamination` end: a kill, an interrupt, a full disk, a folder or cache of others."""

import os
import signal
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pytest
from test_filter_command import dialogues

from dialogue.lock import take_folder
from gen.main import main

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals and groups of processes")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small corpus and a benchmark."""
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(dialogues(60))
    items = [
        {"question": f"How many florins has merchant number {n} of Ghent earned?", "answer": "3"} for n in range(3)
    ]
    Path("own.jsonl").write_bytes(b"\n".join(map(orjson.dumps, items)))
    return tmp_path


def filtering(*more: str) -> int:
    return main(["filter", "in.jsonl", "--workers", "1", *more])


def looking(*more: str) -> int:
    return main(["contamination", "in.jsonl", "--workers", "1", "--benchmark", "own.jsonl", *more])


def test_neither_report_replaces_the_other_one(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert looking("--out", "leaks") == 0
    before = {path.name: path.read_bytes() for path in Path("leaks").glob("*.*")}
    assert filtering("--out", "leaks") == 2
    assert "holds files of another kind; name another folder" in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in Path("leaks").glob("*.*")} == before
    assert filtering("--out", "clean") == 0
    assert looking("--out", "clean") == 2
    assert "holds files of another kind; name another folder" in capsys.readouterr().err


def test_two_commands_do_not_compute_into_one_cache(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = take_folder(Path("cache"))
    assert filtering("--out", "out", "--cache", "cache") == 2
    assert "cache: another command" in capsys.readouterr().err
    lock.release()
    assert filtering("--out", "out", "--cache", "cache") == 0
    assert filtering("--out", "here", "--cache", "here") == 0


def full(*arguments: object, **more: object) -> None:
    raise OSError(28, "No space left on device")


def short(*arguments: object, **more: object) -> None:
    raise OSError("4096 requested and 0 written")  # what numpy says of a disk without room


@pytest.mark.parametrize(
    ("refused", "arguments", "names"),
    [
        (("numpy.save", short), ("--out", "out", "--cache", "there"), "there: 4096 requested and 0 written"),
        (("filters.engine.section.write_atomically", full), ("--out", "out", "--cache", "there"), "there: No space"),
        (("filters.engine.writing.write_atomically", full), ("--out", "out", "--cache", "there"), "out: No space"),
        (("filters.near.shards.np.save", short), ("--out", "out"), "out/work: 4096 requested"),
    ],
)
def test_a_full_disk_is_named(
    refused: tuple[str, object],
    arguments: tuple[str, ...],
    names: str,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(*refused)
    assert filtering(*arguments) == 3
    complaint = capsys.readouterr().err
    assert f"gen filter: disk full: {names}" in complaint
    assert complaint.count("\n") == 1


@pytest.mark.parametrize("name", ["gen.leak_folder.write_atomically", "gen.leak_folder.Disk"])
def test_a_disk_that_is_full_from_the_start_stops_a_contamination_report(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(name, full)
    assert looking("--out", "leaks") == 3
    complaint = capsys.readouterr().err
    assert complaint.startswith("gen contamination: disk full: leaks: No space left on device")
    assert "bug" not in complaint


def test_a_folder_that_cannot_be_made_on_a_full_disk_stops_as_well(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("pathlib.Path.mkdir", full)
    assert filtering("--out", "out") == 3
    assert "disk full: out" in capsys.readouterr().err


def test_numpy_says_a_full_disk_as_is_known_here() -> None:
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("no /dev/full")
    with pytest.raises(OSError) as found, device.open("wb", buffering=0) as file:
        np.zeros(4096).tofile(file)
    assert found.value.errno == 28 or "requested and" in str(found.value)


@pytest.fixture
def at_work(place: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A filtering with two workers that have begun; its stderr ends when the last process has ended."""
    for name in ("one.jsonl", "two.jsonl"):
        Path(name).write_bytes(dialogues(9000))
    files = ("one.jsonl", "two.jsonl")
    command = [sys.executable, "-m", "gen.main", "filter", *files, "--out", "out", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment, start_new_session=True)
    yield process
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def begun(process: subprocess.Popen[bytes], sign: str) -> None:
    while process.poll() is None and not list(Path("out").glob(sign)):
        os.sched_yield()
    assert process.poll() is None


@pytest.mark.slow
@pytest.mark.parametrize("sign", [".lock", "work/*/*/info-*"])
def test_workers_end_when_the_first_process_is_killed(at_work: subprocess.Popen[bytes], sign: str) -> None:
    begun(at_work, sign)
    at_work.kill()
    at_work.communicate(timeout=120)  # until no process is left that holds the other end


@pytest.mark.slow
@pytest.mark.parametrize("sign", [".lock", "work/*/*/info-*"])
def test_an_interrupt_is_said_and_no_worker_complains(at_work: subprocess.Popen[bytes], sign: str) -> None:
    begun(at_work, sign)
    os.killpg(at_work.pid, signal.SIGINT)
    _, complaint = at_work.communicate(timeout=240)
    assert at_work.returncode == 130
    said = [line for line in complaint.decode().splitlines() if "gen filter" in line]
    assert said == ["gen filter: interrupted; run it again, finished work is kept"]
    assert b"Traceback" not in complaint


def test_an_interrupt_while_the_command_is_imported_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(name: str | None) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gen.main.parser", interrupted)
    assert main(["contamination", "in.jsonl"]) == 130
    assert capsys.readouterr().err == "gen contamination: interrupted; run it again, finished work is kept\n"


def test_an_interrupt_within_a_callback_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Thing:
        pass

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    def parser(name: str | None) -> None:
        thing, until = Thing(), time.monotonic() + 60
        kept = weakref.ref(thing, interrupted)
        del thing
        while time.monotonic() < until:
            assert kept() is None
        raise AssertionError("went on")

    monkeypatch.setattr("gen.main.parser", parser)
    hook = sys.unraisablehook
    assert main(["filter", "in.jsonl"]) == 130
    assert capsys.readouterr().err == "gen filter: interrupted; run it again, finished work is kept\n"
    assert sys.unraisablehook is hook


@pytest.mark.slow
def test_equal_blocks_do_not_disturb_one_another(at_work: subprocess.Popen[bytes]) -> None:
    _, complaint = at_work.communicate(timeout=240)  # both of its files hold the same, and both workers begin with them
    assert at_work.returncode == 0, complaint.decode()
    assert orjson.loads(Path("out/report.json").read_bytes())["kept"] > 0
