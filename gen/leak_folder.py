"""The folder of a contamination report: one request, its answers, its result.

contamination.json   what was asked: inputs, benchmarks, rules, who judges and who rephrases
hits.jsonl           every hit with both texts and the verdict on it
verdicts.jsonl       the judge's replies, appended as they come
rephrased.jsonl      the rephraser's, likewise
refused.jsonl        lines that are JSON and no dialogue
report.json          the table, the self-test, the hits up to a number; written last
report.html          the same, to be read
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import orjson
from xxhash import xxh3_128

from dialogue.disk import stopped, writing_to
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from dialogue.lock import take_folder
from gen.judging.answers import Answers
from gen.judging.kinds import Kind, RoleName
from generator.folder.disk import Disk

REQUEST = "contamination.json"
RESULTS = ("report.json", "hits.jsonl", "verdicts.jsonl", "rephrased.jsonl")
FOREIGN = ("dialogues.jsonl", "run.json", "kept.jsonl", "filter.json", "report.html")
"""Files of another command, where contamination.json is not beside them."""
SHOWN = 3
_ABSENT = "(not set)"


class Folder:
    """The folder under lock."""

    def __init__(self, path: Path, asked: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Raises UsageError where it holds the result of another request, or files of another kind."""
        self.path = path
        self._held = ExitStack()
        lock = take_folder(path)
        self._held.callback(lock.release)
        try:
            with writing_to(path):
                _check(path, asked, facts)
                self.disk = Disk(path)
        except BaseException:
            self._held.close()
            raise

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.disk.release()
        for path in self.path.glob(".*.new"):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self._held.close()
        if isinstance(error, OSError):
            raise stopped(error, Path(str(error.filename or self.path))) from None

    def new(self, name: str) -> Path:
        """Where a file is written before it takes its place; gone when the folder is let go."""
        return self.path / f".{name}.new"

    def answers(self, kinds: Iterable[Kind], say: Callable[[str], None]) -> dict[RoleName, Answers]:
        """What was answered before, open for more; the disk keeps a reserve for what will be paid for."""
        self.disk.reserve()
        found: dict[RoleName, Answers] = {}
        for kind in kinds:
            found[kind.role] = Answers(self.path / kind.file, kind.field, self.disk, say)
            self._held.callback(found[kind.role].close)
        return found

    def write(self, report: Mapping[str, Any], page: str, refused: int) -> None:
        """Put everything in place, the report last."""
        (self.path / "report.json").unlink(missing_ok=True)
        self.new("hits.jsonl").replace(self.path / "hits.jsonl")
        if refused:
            self.new("refused.jsonl").replace(self.path / "refused.jsonl")
        else:
            (self.path / "refused.jsonl").unlink(missing_ok=True)
        write_atomically(self.path / "report.html", (page.encode("utf-8", "replace"),))
        write_atomically(self.path / "report.json", (orjson.dumps(report, option=orjson.OPT_INDENT_2),))


def _check(path: Path, asked: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    file = path / REQUEST
    before = _read(file)
    begun = [name for name in RESULTS if (path / name).exists() and (path / name).stat().st_size]
    if before is None and (begun or any((path / name).exists() for name in FOREIGN)):
        raise UsageError(f"--out {path}: holds files of another kind; name another folder")
    if before is not None and begun:
        _refuse_another(path, before["asked"], asked)
    now = {"asked": asked, "facts": facts}
    if now != before:
        write_atomically(file, (orjson.dumps(now, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),))


def _read(file: Path) -> dict[str, Any] | None:
    try:
        found = orjson.loads(file.read_bytes())
        return {"asked": dict(found["asked"]), "facts": found["facts"]}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file}: not the request of a report ({error!r}); name another folder") from None


def _refuse_another(path: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """UsageError that names up to three differences. A judge or a rephraser may be added where there was none."""
    new = [name for name in ("judge", "rephrase") if name not in before]
    old, asked = dict(_flat(before)), dict(_flat({key: value for key, value in now.items() if key not in new}))
    keys = [key for key in sorted(old | asked) if old.get(key, _ABSENT) != asked.get(key, _ABSENT)]
    if keys:
        shown = [f"{key} was {_shown(old, key)}, is now {_shown(asked, key)}" for key in keys[:SHOWN]]
        more = [f"{len(keys) - SHOWN} more"] if len(keys) > SHOWN else []
        raise UsageError(f"--out {path}: holds another report: {'; '.join(shown + more)}; name another folder")


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        if isinstance(part, Mapping) and part:
            yield from _flat(part, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", part


def _shown(values: Mapping[str, Any], key: str) -> str:
    return orjson.dumps(values[key]).decode()[:80] if key in values else _ABSENT


def digests(paths: Sequence[Path]) -> dict[str, str]:
    """A hash of each file's bytes, by its name."""
    found: dict[str, str] = {}
    for path in paths:
        digest = xxh3_128()
        try:
            with path.open("rb") as file:
                while chunk := file.read(1 << 22):
                    digest.update(chunk)
        except OSError as error:
            raise UsageError(f"{path}: {error.strerror}") from None
        found[path.name if path.name not in found else str(path)] = digest.hexdigest()
    return found


def versions() -> dict[str, str | None]:
    """Whose result it is."""
    try:
        return {"duologue": version("duologue")}
    except PackageNotFoundError:
        return {"duologue": None}
