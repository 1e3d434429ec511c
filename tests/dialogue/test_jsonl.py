from pathlib import Path

import pytest

from dialogue.errors import UsageError
from dialogue.jsonl import objects, write_atomically


def test_only_the_newline_byte_ends_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes('{"a": "one\u2028two\u0085three"}\n{"a": 2}\n'.encode())
    assert [row for _, row in objects(path)] == [{"a": "one\u2028two\u0085three"}, {"a": 2}]


def test_a_torn_last_line_is_passed_over_and_a_whole_one_read(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a": ')
    assert len(list(objects(path))) == 1
    path.write_bytes(b'{"a": 1}\n{"a": 2}')
    assert len(list(objects(path))) == 2


@pytest.mark.parametrize("line", [b"{torn\n", b"[1]\n", b"\xff\n"])
def test_any_other_bad_line_is_named_with_its_place(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": 1}\n' + line + b'{"a": 2}\n')
    with pytest.raises(UsageError, match=r"x\.jsonl:2: "):
        list(objects(path))


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    write_atomically(path, [b"old"])

    def chunks():  # type: ignore[no-untyped-def]
        yield b"new"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_atomically(path, chunks())
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["x.json"]
