"""How `gen convert` ends where it cannot end well: a kill, places that take no file, full disks."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from test_wrong_usage import refused

from dialogue.disk import beside
from gen.main import main

ROW = {"id": "x", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_bytes(
        b"".join(orjson.dumps({**ROW, "id": str(n)}) + b"\n" for n in range(3)) + b'{"q": 1}\n'
    )


def hidden(folder: Path = Path()) -> list[str]:
    return sorted(path.name for path in folder.rglob(".*.new"))


KILLED = """
import os, signal
from dialogue.formats import messages
from gen import main
native = messages.to_line
def to_line(dialogue):
    if dialogue.id == "2":
        os.kill(os.getpid(), signal.SIGKILL)
    return native(dialogue)
messages.to_line = to_line
main.main(["convert", *ARGV])
"""


def killed(*argv: str) -> None:
    """A conversion that is killed while it writes."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    child = subprocess.run([sys.executable, "-c", KILLED.replace("ARGV", repr(argv))], env=environment, check=False)
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    "argv", [("out.jsonl",), ("out.parquet",), ("out.jsonl", "--split", "0.5/0.5"), ("hub", "--to", "hub")]
)
def test_what_a_killed_one_leaves_is_removed_by_the_next(argv: tuple[str, ...]) -> None:
    killed("in.jsonl", *argv)
    assert hidden()
    Path("other.jsonl.1-1.new").write_bytes(b"somebody's own")
    assert main(["convert", "in.jsonl", *argv]) == 1
    assert not hidden()
    assert Path("other.jsonl.1-1.new").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there, only what is open is kept")
def test_what_a_living_one_writes_is_left_alone_and_what_another_machine_s_does() -> None:
    living = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    own = beside(Path("out.jsonl")).name
    names = {pid: own.replace(f"-{os.getpid()}.", f"-{pid}.") for pid in (living.pid, 1)}
    elsewhere = f".out.jsonl.0123abcd-{living.pid}.new"
    for name in (*names.values(), elsewhere):
        Path(name).write_bytes(b"under way")
    assert main(["convert", "in.jsonl", "out.jsonl"]) == 1
    assert hidden() == sorted([*names.values(), elsewhere])
    living.communicate(b"\n")
    assert main(["convert", "in.jsonl", "out.jsonl", "--overwrite"]) == 1
    assert hidden() == sorted([names[1], elsewhere])


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that takes no files, whoever asks")
@pytest.mark.parametrize("argv", [("/proc/out.jsonl",), ("/proc/none/out.jsonl",), ("/proc/hub", "--to", "hub")])
def test_a_place_that_takes_no_file_is_told(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    said = refused(capsys, "convert", "in.jsonl", *argv)
    assert f"{argv[0]}: cannot be written there (" in said
    assert said.endswith("; name another place")


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("in.jsonl/out.jsonl", "in.jsonl/out.jsonl: cannot be written there ("),
        ("a" * 300 + ".jsonl", "cannot be written there (File name too long)"),
        ("/dev/full", "/dev/full: expected a name that ends with .jsonl"),
    ],
)
def test_an_odd_out_is_one_line(capsys: pytest.CaptureFixture[str], out: str, says: str) -> None:
    assert says in refused(capsys, "convert", "in.jsonl", out)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_of_temporary_files_is_named_as_such(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/tmp/elsewhere")
    monkeypatch.setattr("dialogue.conversion.selection.tempfile.TemporaryFile", lambda: open("/dev/full", "w+b"))  # noqa: SIM115
    assert main(["convert", "in.jsonl", "out.jsonl", "--split", "0.5/0.5"]) == 3
    said = capsys.readouterr().err
    assert "disk full: /tmp/elsewhere: No space left on device; temporary files lie there" in said
    assert "TMPDIR" in said
    assert not hidden()


def test_no_folder_for_temporary_files_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "absent")
    assert main(["convert", "in.jsonl", "out.jsonl", "--split", "0.5/0.5"]) == 3
    assert "gen convert: absent: No such file or directory; temporary files lie there" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_of_the_output_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialogue.conversion.targets.beside", lambda path: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
    Path("in.jsonl").write_bytes((orjson.dumps(ROW) + b"\n") * 30_000)
    assert main(["convert", "in.jsonl", "out.jsonl"]) == 3
    assert "disk full: " in capsys.readouterr().err
    assert not Path("out.jsonl").exists()


def test_an_interrupt_promises_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(dialogue: object) -> bytes:
        raise KeyboardInterrupt

    monkeypatch.setattr("dialogue.formats.messages.to_line", interrupted)
    assert main(["convert", "in.jsonl", "out.jsonl"]) == 130
    assert capsys.readouterr().err == "gen convert: interrupted; run it again\n"
    assert not hidden()


def long_ones(*exchanges: int) -> None:
    """Dialogues of so many exchanges, as in.jsonl."""
    rows = [{"id": f"d{number}", "messages": ROW["messages"] * count} for number, count in enumerate(exchanges)]
    Path("in.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def test_dialogues_of_any_length_too_long_for_a_layout_are_one_reason_with_the_mend(
    capsys: pytest.CaptureFixture[str],
) -> None:
    long_ones(2, 3, 3, 4)
    assert main(["convert", "in.jsonl", "out.jsonl", "--to", "ultrafeedback"]) == 1
    (said,) = [line for line in capsys.readouterr().out.splitlines() if "exchange" in line]
    assert said.startswith("          4: as asked for it cannot be held: more than one exchange (2)")
    assert said.endswith("`gen run --rounds 1` makes such; --to chosen_rejected holds several")


@pytest.mark.parametrize("layout", ["baize", "ultrachat"])
def test_a_reason_that_differs_in_names_and_numbers_only_is_one(
    capsys: pytest.CaptureFixture[str], layout: str
) -> None:
    rows = [{"id": f"d{n}", "messages": [*ROW["messages"] * n, ROW["messages"][1]]} for n in range(1, 5)]
    Path("in.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    assert main(["convert", "in.jsonl", "out.jsonl", "--to", layout]) == 1
    assert "          4: as asked for it cannot be held: message 3 is the" in capsys.readouterr().out


@pytest.mark.parametrize("more", [(), ("--split", "0.5/0.5")])
@pytest.mark.parametrize("out", ["out.jsonl", "out.json", "out.parquet"])
def test_where_all_is_dropped_no_file_is_made_and_the_next_call_is_free(
    capsys: pytest.CaptureFixture[str], out: str, more: tuple[str, ...]
) -> None:
    long_ones(2, 3)
    assert main(["convert", "in.jsonl", out, "--to", "ultrafeedback", *more]) == 1
    said = capsys.readouterr().out
    assert "written   nothing: all was dropped, so no file is made or replaced\n" in said
    assert sorted(path.name for path in Path().iterdir()) == ["in.jsonl", f"{out}.dropped.jsonl"]
    assert main(["convert", "in.jsonl", out, "--to", "sharegpt", *more]) == 0
    assert not Path(f"{out}.dropped.jsonl").exists()


def test_where_all_is_dropped_no_folder_of_a_hub_is_made_and_an_old_file_stays() -> None:
    Path("in.jsonl").write_bytes(b'{"q": 1}\n')
    assert main(["convert", "in.jsonl", "hub", "--to", "hub"]) == 1
    assert not Path("hub").exists()
    Path("old.jsonl").write_bytes(b"precious\n")
    assert main(["convert", "in.jsonl", "old.jsonl", "--overwrite"]) == 1
    assert Path("old.jsonl").read_bytes() == b"precious\n"


def test_refusals_beside_no_output_are_replaced_only_where_they_are_refusals(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("out.jsonl.dropped.jsonl").write_bytes(b"precious\n")
    assert "is there already" in refused(capsys, "convert", "in.jsonl", "out.jsonl")
    assert Path("out.jsonl.dropped.jsonl").read_bytes() == b"precious\n"
