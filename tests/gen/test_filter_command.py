"""`gen filter` as it is typed: complaints of one line, the same result after a kill, and what it prints."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from gen.main import main

CHAIN = """
[[filters]]
use = "turns"
[[filters]]
use = "near_copy"
[[filters]]
use = "exact_duplicates"
"""

CHILD = """
import sys
from pathlib import Path
from filters.engine.settings import FilterSettings
from gen.api import filter_settled
if __name__ == "__main__":
    tables = ({"use": "turns"}, {"use": "near_copy"}, {"use": "exact_duplicates"}, {"use": "near_duplicates"})
    filter_settled(FilterSettings(
        inputs=(Path(sys.argv[1]),), out=Path(sys.argv[2]), filters=tables, block_bytes=20_000, workers=2))
"""


WORDS = ("rain", "snow", "wind", "sun", "cloud", "storm", "frost", "fog", "hail", "sleet", "breeze", "gale", "mist")


def dialogues(n: int, cases: int = 900) -> bytes:
    """So many dialogues on so many cases: a case that comes again is a copy."""
    rows = []
    for number in range(n):
        case = number % cases
        topic = " ".join(WORDS[(case * step + case // 7) % len(WORDS)] for step in range(1, 12))
        content = [f"Tell me of {topic}, case {case}.", f"Of {topic} in case {case} this much is known."]
        messages = [{"role": role, "content": text} for role, text in zip(("user", "assistant"), content, strict=True)]
        rows.append(orjson.dumps({"id": f"d{number:05}", "messages": messages}, option=orjson.OPT_APPEND_NEWLINE))
    return b"".join(rows)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.jsonl"
    path.write_bytes(dialogues(1000))
    return path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "IN is missing"),
        (("in.jsonl",), "--out is missing"),
        (("absent.jsonl", "--out", "out"), "absent.jsonl: no such file or folder"),
        (("in.jsonl", "--out", "out", "--preset", "ultrachat"), "did you mean ultrachat-200k"),
        (("in.jsonl", "--out", "out", "--set", "near_duplicate.threshold=0.8"), "did you mean near_duplicates"),
        (("in.jsonl", "--out", "out", "--set", "near_duplicates.treshold=0.8"), "did you mean threshold"),
        (("in.jsonl", "--out", "out", "--set", "near_duplicates.threshold=high"), "threshold=high: expected a number"),
        (
            ("in.jsonl", "--out", "out", "--set", "near_duplicates.threshold=7"),
            "gen filter: --set near_duplicates.threshold=7: expected at most 1",
        ),
        (("in.jsonl", "--out", "out", "--set", "language.allowed=en"), 'allowed=en: expected a list, as ["en"]'),
        (
            ("in.jsonl", "--out", "out", "--set", "length.least_words=null"),
            'length.least_words=null: expected a number, or "off" for no limit',
        ),
        (("in.jsonl", "--out", "out", "--set", "near_duplicates.bands=7"), "bands=7: near_duplicates: bands and rows"),
        (("in.jsonl", "--out", "out", "--set", "length-3.most_words=7"), "length-3"),
        (("in.jsonl", "--out", "out", "--config", "chain.toml", "--preset", "openchat"), "leave one of the two out"),
        (("in.jsonl", "--out", "out", "--set", "near_duplicates"), "expected FILTER.SETTING=VALUE"),
        (("in.jsonl", "--out", "out", "--without", "turn"), "did you mean turns"),
        (("in.jsonl", "--out", "out", "--format", "alpacca"), "no such format"),
        (("in.jsonl", "--out", "out", "--workers", "0"), "whole number above 0"),
        (("in.jsonl", "--out", "in.jsonl"), "name a folder"),
        (("in.jsonl", "--out", "out", "--config", "wrong.toml"), "filters[1].use = 'minhsh': no filters/minhsh.py"),
        (("in.jsonl", "--out", "out", "--config", "value.toml"), "value.toml: filters[0]: turns: most_rounds = "),
        (("in.jsonl", "--out", "out", "--config", "leak.toml"), "leak.toml: filters[0]: absent.jsonl: no such file"),
        (("in.jsonl", "--out", "out", "--benchmark", "absent.jsonl"), "absent.jsonl"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: tuple[str, ...],
    says: str,
    source: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(source.parent)
    Path("wrong.toml").write_text('[[filters]]\nuse = "turns"\n[[filters]]\nuse = "minhsh"\n')
    Path("value.toml").write_text('[[filters]]\nuse = "turns"\nmost_rounds = "many"\n')
    Path("leak.toml").write_text('[[filters]]\nuse = "contamination"\nbenchmarks = ["absent.jsonl"]\n')
    Path("chain.toml").write_text(CHAIN)
    try:
        status = main(["filter", *arguments])
    except SystemExit as leaving:
        status = int(str(leaving.code))
    complaint = capsys.readouterr().err
    assert status == 2
    assert says in complaint
    assert complaint.count("\n") == 1
    assert not Path("out").exists() or not list(Path("out").glob("*.jsonl"))


def test_a_chain_of_a_project_and_what_is_printed(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "project.toml").write_text('[run]\nsector = "world-questions"\n' + CHAIN)
    command = ["filter", str(source), "--out", str(tmp_path / "out"), "--config", str(tmp_path / "project.toml")]
    assert main([*command, "--workers", "1"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("read 1,000, kept 900 (90.0%), dropped 100\n")
    assert "exact_duplicates        100 dropped" in printed.replace("  near", "")
    assert main([*command, "--workers", "1", "--json"]) == 0
    report = orjson.loads(capsys.readouterr().out)
    assert report["kept"] == 900
    assert report == orjson.loads((tmp_path / "out/report.json").read_bytes())


def test_the_printed_chain_is_a_chain(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["filter", "--list", "--set", "near_duplicates.threshold=0.8"]) == 0
    chain = capsys.readouterr().out
    assert "threshold = 0.8" in chain
    (tmp_path / "chain.toml").write_text(chain)
    assert main(["filter", "--list", "--config", str(tmp_path / "chain.toml")]) == 0
    assert capsys.readouterr().out == chain


def test_a_filter_that_stands_twice_is_set_and_left_out_by_the_name_that_the_report_gives_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    twice = '[[filters]]\nuse = "length"\nmost_words = 5\n'
    (tmp_path / "chain.toml").write_text(twice + twice)

    def limits(*more: str) -> list[str]:
        assert main(["filter", "--list", "--config", str(tmp_path / "chain.toml"), *more]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if line.startswith("most_words")]

    assert limits("--set", "length-2.most_words=9") == ["most_words = 5.0", "most_words = 9.0"]
    assert limits("--set", "length.most_words=9") == ["most_words = 9.0", "most_words = 9.0"]
    assert limits("--without", "length-2") == ["most_words = 5.0"]


def test_a_limit_that_is_off_is_off_in_the_printed_chain_and_in_the_report(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["filter", "--list", "--set", "length.most_words=off"]) == 0
    chain = capsys.readouterr().out
    assert 'most_words = "off"' in chain
    (tmp_path / "chain.toml").write_text(chain)
    command = ["filter", str(source), "--out", str(tmp_path / "out"), "--config", str(tmp_path / "chain.toml")]
    assert main([*command, "--workers", "1", "--json"]) == 0
    (length,) = (one for one in orjson.loads(capsys.readouterr().out)["filters"] if one["name"] == "length")
    assert length["settings"]["most_words"] is None
    assert length["measures"]["words"]["at"] == []


def test_the_reports_hold_no_secret_of_a_dropped_dialogue(tmp_path: Path) -> None:
    said = "I'm sorry, but I can't assist with that. Write to jane.roe77@corp-mail.org."
    row = {"messages": [{"role": "user", "content": "Help me"}, {"role": "assistant", "content": said}]}
    (tmp_path / "in.jsonl").write_bytes(orjson.dumps(row))
    out = tmp_path / "out"
    assert main(["filter", str(tmp_path / "in.jsonl"), "--out", str(out), "--workers", "1"]) == 0
    assert "jane.roe77" in (out / "dropped.jsonl").read_text()  # whole, so that nothing is lost
    for name in ("report.json", "report.html"):
        assert "jane.roe77" not in (out / name).read_text()
        assert "email" in (out / name).read_text()


def test_refused_lines_give_status_1(tmp_path: Path, source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with source.open("ab") as file:
        file.write(b'{"text": "no dialogue"}\n')
    assert main(["filter", str(source), "--out", str(tmp_path / "out"), "--workers", "1"]) == 1
    printed = capsys.readouterr().out
    assert printed.startswith("read 1,001, kept 900 (89.9%), dropped 100, refused 1\n")
    assert "refused: 1 line that is no dialogue, in" in printed
    assert "in.jsonl:1001: a text without roles, as of pretraining" in printed


@pytest.mark.slow
def test_killed_anywhere_and_run_again_it_ends_as_if_never_killed(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_bytes(dialogues(30_000))
    child = tmp_path / "child.py"
    child.write_text(CHILD)

    def started(out: Path) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen(
            [sys.executable, str(child), str(source), str(out)], env=environment, start_new_session=True
        )

    assert started(tmp_path / "whole").wait() == 0
    killed = 0
    for blocks in (1, 40, 150, 260):
        process = started(tmp_path / "killed")
        while process.poll() is None and len(list((tmp_path / "killed").glob("work/*/*/verdicts.json"))) < blocks:
            time.sleep(0.005)
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert killed
    assert started(tmp_path / "killed").wait() == 0
    for name in ("kept.jsonl", "dropped.jsonl", "report.json", "pairs.jsonl", "report.html"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list((tmp_path / "killed").glob(".*.new"))


@pytest.mark.slow
def test_an_interrupt_leaves_with_130_and_a_second_call_goes_on(tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out"
    source.write_bytes(dialogues(60_000))
    command = [sys.executable, "-m", "gen.main", "filter", str(source), "--out", str(out), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, start_new_session=True)
    while process.poll() is None and not list(out.glob("work/*/*/verdicts.json")):
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in complaint
    assert not (out / "kept.jsonl").exists()
    assert subprocess.run(command, check=False).returncode == 0
    assert (out / "report.json").exists()
