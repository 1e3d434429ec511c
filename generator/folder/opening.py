"""The opening of a run folder: lock, settings, reserve, logs, and where the run stands."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import BaseFileLock

from dialogue.disk import sync_folder
from dialogue.lock import take_folder
from generator.folder.appendlog import AppendLog
from generator.folder.checkpoint import Checkpoint, read
from generator.folder.disk import Disk
from generator.folder.journal import Journal
from generator.folder.ledger import Ledger
from generator.folder.openerlog import ListLog, OpenerLog
from generator.folder.resume import Fold, Logs, reconcile, replay
from generator.folder.settings_check import check_settings

LOG_NAMES = ("lists.jsonl", "openers.jsonl", "dialogues.jsonl", "journal.jsonl")


@dataclass(slots=True)
class Opened:
    """A locked folder and its state."""

    path: Path
    lock: BaseFileLock
    run: str
    disk: Disk
    logs: Logs
    journal: Journal
    totals: dict[str, Any]
    read_whole: bool
    """Whether there was a journal, and no checkpoint that fitted it."""


def open_folder(
    path: Path,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    say: Callable[[str], None],
    fold: Fold,
) -> Opened:
    """The folder, made or taken up again; as `RunFolder.open`, which see."""
    with ExitStack() as undo:
        lock = take_folder(path)
        undo.callback(lock.release)
        run = check_settings(path, settings, facts, LOG_NAMES)
        disk = Disk(path)
        disk.reserve()
        logs = _logs(path, run, disk, say, undo)
        sync_folder(path)
        saved = _checkpoint(path, logs, say)
        journal = Journal(logs.journal, Ledger(saved.done, saved.failed) if saved else Ledger())
        totals = replay(journal, logs, saved, fold)
        reconcile(journal, logs, saved, say, lambda event: fold(totals, event))
        undo.pop_all()
    return Opened(path, lock, run, disk, logs, journal, totals, saved is None and logs.journal.end > 0)


def _logs(path: Path, run: str, disk: Disk, say: Callable[[str], None], undo: ExitStack) -> Logs:
    found = []
    for name in LOG_NAMES:
        log = AppendLog(path / name, disk)
        undo.callback(log.close)
        log.mend_tail(say)
        found.append(log)
    lists, openers, dialogues, journal = found
    return Logs(journal, dialogues, OpenerLog(openers), ListLog(lists, run))


def _checkpoint(path: Path, logs: Logs, say: Callable[[str], None]) -> Checkpoint | None:
    """The checkpoint, if it can be used; any other is taken away before the logs are put right without it."""
    saved = read(path / "checkpoint.json", logs.all())
    if saved is None:
        (path / "checkpoint.json").unlink(missing_ok=True)
        if logs.journal.end:
            say(f"{path}: no checkpoint that fits; reading the whole journal")
    return saved
