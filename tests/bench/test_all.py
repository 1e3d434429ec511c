"""The page of measurements: a section that is measured again takes its place, the others stay."""

from pathlib import Path

import pytest

from bench import all as bench_all


def test_a_section_that_no_command_writes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_all, "PAGE", tmp_path / "benchmarks.md")
    first, second = (section.title for section in bench_all.SECTIONS[:2])
    by_hand = "## On a GPU\n\nmeasured elsewhere\n"
    (tmp_path / "benchmarks.md").write_text(f"# Benchmarks\n\n{by_hand}\n## {second}\n\nold\n")
    found = bench_all.standing()
    found |= {first: f"## {first}\n\nnew\n", second: f"## {second}\n\nnew\n"}
    written = bench_all.page(found)
    titles = [line.removeprefix("## ") for line in written.splitlines() if line.startswith("## ")]
    assert titles == [first, second, "On a GPU"]
    assert written.endswith(by_hand)
    assert "old" not in written
