from pathlib import Path

import orjson
import pytest

from dialogue.errors import UsageError
from generator.folder.settings_check import check_settings, run_hash

LOGS = ("journal.jsonl",)
SETTINGS = {"sector": "x", "n": 10, "rounds": (3, 7), "endpoint": {"main": {"model": "m", "base_url": "http://a"}}}


def check(folder: Path, settings: object, facts: object = {"version": "1"}) -> str:
    return check_settings(folder, settings, facts, LOGS)  # type: ignore[arg-type]


def test_the_same_request_has_the_same_hash_and_leaves_the_file_alone(tmp_path: Path) -> None:
    first = check(tmp_path, SETTINGS)
    written = (tmp_path / "run.json").stat().st_mtime_ns
    assert check(tmp_path, SETTINGS) == first
    assert (tmp_path / "run.json").stat().st_mtime_ns == written
    assert orjson.loads((tmp_path / "run.json").read_bytes())["run"] == first


def begin(folder: Path) -> None:
    """Something was made with the request."""
    (folder / "journal.jsonl").write_bytes(b"{}\n")


def test_a_request_with_which_nothing_was_made_may_be_mended(tmp_path: Path) -> None:
    first = check(tmp_path, SETTINGS)
    assert check(tmp_path, {**SETTINGS, "sector": "y"}) != first
    begin(tmp_path)
    with pytest.raises(UsageError, match="sector was"):
        check(tmp_path, SETTINGS)


def test_another_request_is_refused_with_the_first_three_differences(tmp_path: Path) -> None:
    check(tmp_path, SETTINGS)
    begin(tmp_path)
    main = {"model": "k", "base_url": "http://a"}
    other = {"sector": "y", "n": 10, "rounds": [2, 7], "seed": 4, "endpoint": {"main": main}}
    with pytest.raises(UsageError) as refused:
        check(tmp_path, other)
    text = str(refused.value)
    assert 'endpoint.main.model was "m", is now "k"' in text
    assert "rounds was [3,7], is now [2,7]" in text
    assert "sector was" in text or "seed was (not set), is now 4" in text
    assert "1 more" in text
    assert "--out" in text
    assert str(tmp_path) in text


def test_the_hash_does_not_depend_on_the_order_of_the_settings() -> None:
    assert run_hash({"a": 1, "b": {"c": 2, "d": 3}}) == run_hash({"b": {"d": 3, "c": 2}, "a": 1})
    assert run_hash({"a": 1}) != run_hash({"a": 2})


def test_facts_that_change_are_kept_beside_the_earlier_ones(tmp_path: Path) -> None:
    for version in ("1", "1", "2"):
        check(tmp_path, SETTINGS, {"version": version})
        begin(tmp_path)
    found = orjson.loads((tmp_path / "run.json").read_bytes())
    assert (found["facts"], found["earlier_facts"]) == ({"version": "2"}, [{"version": "1"}])


def test_a_folder_with_logs_but_no_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_bytes(b"")
    with pytest.raises(UsageError, match=r"journal\.jsonl but no run\.json"):
        check(tmp_path, SETTINGS)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff"])
def test_a_run_json_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "run.json").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.json"):
        check(tmp_path, SETTINGS)
