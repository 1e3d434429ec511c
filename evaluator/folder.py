"""The folder of an evaluation: one request, its answers, its judgments, its result.

evaluate.json     what was asked: benchmarks, protocols, judge, seed
answers.jsonl     what systems answered, turn by turn, appended as it comes
measures.jsonl    what was measured of models on this machine, item by item
judgments.jsonl   every judge call with the whole reply, likewise
scores.jsonl      each system's mean score by question, what `--compare` reads
people.csv        a sheet for people to judge by
report.json       all figures; written last
report.html       the same, to be read
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson

from dialogue.disk import stopped, writing_to
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from dialogue.lock import take_folder
from evaluator import answering, judging, measuring
from generator.folder.disk import Disk
from generator.folder.replylog import ReplyLog
from generator.folder.settings_check import check_settings

LOGS = ("answers.jsonl", "judgments.jsonl", "measures.jsonl")
FOREIGN = ("dialogues.jsonl", "run.json", "kept.jsonl", "filter.json", "contamination.json", "train.json")


class Folder:
    """The folder under lock."""

    def __init__(
        self, path: Path, asked: Mapping[str, Any], facts: Mapping[str, Any], say: Callable[[str], None]
    ) -> None:
        """Raises UsageError where it holds the result of another request, or files of another kind."""
        self.path = path
        self._held = ExitStack()
        lock = take_folder(path)
        self._held.callback(lock.release)
        try:
            if not (path / "evaluate.json").exists():
                for name in FOREIGN:
                    if (path / name).exists():
                        raise UsageError(f"--out {path}: holds {name}, files of another command; name another folder")
            with writing_to(path):
                check_settings(path, asked, facts, LOGS, "evaluate")
                self.disk = Disk(path)
                self.disk.reserve()
            self.answers = self._log("answers.jsonl", say, answering.sound)
            self.measures = self._log("measures.jsonl", say, measuring.sound)
            self.judgments = self._log("judgments.jsonl", say, judging.sound)
        except BaseException:
            self._held.close()
            raise

    def _log(self, name: str, say: Callable[[str], None], sound: Callable[[dict[str, Any]], bool]) -> ReplyLog:
        log = ReplyLog(self.path / name, self.disk, say, sound)
        self._held.callback(log.close)
        return log

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.disk.release()
        self._held.close()
        if isinstance(error, OSError):
            raise stopped(error, Path(str(error.filename or self.path))) from None

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """A file of the result, in place at once."""
        write_atomically(self.path / name, chunks)

    def report(self, report: Mapping[str, Any], page: str) -> None:
        """The report, its JSON last."""
        (self.path / "report.json").unlink(missing_ok=True)
        self.write("report.html", (page.encode("utf-8", "replace"),))
        self.write("report.json", (orjson.dumps(report, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE),))


def safe(name: str) -> str:
    """A system's name as part of a file's."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)[:60]
