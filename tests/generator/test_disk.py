import errno
import os
from pathlib import Path

import pytest

from dialogue.errors import RunStopped
from generator.folder.appendlog import AppendLog
from generator.folder.disk import RESERVE_BYTES, Disk


def refuse(*arguments: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_on_disk(path: Path) -> bool:
    return path.stat().st_blocks * 512 >= RESERVE_BYTES == path.stat().st_size


def test_the_reserve_is_really_laid_out(tmp_path: Path) -> None:
    Disk(tmp_path).reserve()
    assert is_on_disk(tmp_path / ".ballast")


@pytest.mark.parametrize("number", [None, errno.EOPNOTSUPP])
def test_the_reserve_is_written_where_the_system_cannot_allocate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None
) -> None:
    def unsupported(descriptor: int, start: int, size: int) -> None:
        raise OSError(number, "unsupported")

    if number is None:
        monkeypatch.delattr(os, "posix_fallocate", raising=False)
    else:
        monkeypatch.setattr(os, "posix_fallocate", unsupported, raising=False)
    (tmp_path / ".ballast").write_bytes(b"too short")
    Disk(tmp_path).reserve()
    assert is_on_disk(tmp_path / ".ballast")


def test_a_hole_of_the_right_size_is_no_reserve(tmp_path: Path) -> None:
    with (tmp_path / ".ballast").open("wb") as file:
        file.truncate(RESERVE_BYTES)
    Disk(tmp_path).reserve()
    assert is_on_disk(tmp_path / ".ballast")


def test_a_disk_without_room_for_the_reserve_stops_the_run_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", refuse, raising=False)
    with pytest.raises(RunStopped, match="disk full"):
        Disk(tmp_path).reserve()
    assert not (tmp_path / ".ballast").exists()


def test_the_reserve_takes_what_a_full_disk_refused_and_is_spent_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk, write = Disk(tmp_path), os.write
    disk.reserve()
    log = AppendLog(tmp_path / "a.jsonl", disk)
    assert disk.full is None
    monkeypatch.setattr(os, "write", lambda *given: refuse() if (tmp_path / ".ballast").exists() else write(*given))
    log.append(b'{"paid":"for"}\n')
    assert disk.full is not None
    assert "disk full" in disk.full
    assert log.path.read_bytes() == b'{"paid":"for"}\n'
    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(RunStopped, match=r"disk full.*free space and run the same command again"):
        log.append(b"{}\n")
    assert log.path.read_bytes() == b'{"paid":"for"}\n'
