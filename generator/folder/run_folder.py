"""The folder of a run: everything that was paid for, safe on disk and found again.

run.json          what was asked: settings, versions, hashes; another request is refused
openers.jsonl     accepted openers in plan order: line i, from 0, is the opener of dialogue i
lists.jsonl       the opener writer's answers, parsed
journal.jsonl     every finished turn and every change of a dialogue's state, append-only
dialogues.jsonl   finished dialogues
failures.jsonl    dialogues that are failed now
summary.json      the last call's summary
checkpoint.json   how far all this had come, so that a resume reads only what is younger
.lock, .ballast   one process to a folder; 4 MB kept free for an orderly end on a full disk
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson

from dialogue.disk import stopped
from dialogue.errors import DuologueError
from dialogue.jsonl import write_atomically
from dialogue.records import Failure, Message, Usage
from generator.folder.checkpoint import Checkpoint, take
from generator.folder.failures import Failures
from generator.folder.opening import Opened, open_folder
from generator.folder.resume import Fold
from generator.folder.standing import Standing
from generator.folder.syncer import Syncer


class RunFolder(Standing):
    """One run's folder, held by this process.

    Two guarantees. What a method here has taken is with the operating system when it returns, so it survives the
    death of the process at any moment, `kill -9` included. Once `start_sync` runs, it is on disk within a second, so
    that a loss of power takes the last second at most.

    Methods that write raise RunStopped where the disk takes no more. Only one thread may call them.
    """

    def __init__(self, opened: Opened) -> None:
        super().__init__(opened)
        self._lock = opened.lock
        self._syncer = Syncer(opened.logs.all(), opened.disk)
        self._failures = Failures(opened.logs.journal.path)

    @classmethod
    def open(
        cls,
        path: Path,
        settings: Mapping[str, Any],
        facts: Mapping[str, Any],
        say: Callable[[str], None],
        *,
        fold: Fold = lambda totals, event: None,
    ) -> "RunFolder":
        """The folder, created or taken up where a run left it, however that ended.

        `settings` are the request. `fold(totals, event)` adds to the totals what is younger than the last checkpoint:
        the journal's `turn`, `reply`, `spent` and `fail` events, a `done` with its `stop` for each dialogue, a `list`
        for each line of lists.jsonl. Raises UsageError for another request, a folder in use or not writable, an
        unreadable line.
        """
        opened = open_folder(path, settings, facts, say, fold)
        folder = cls(opened)
        if opened.read_whole:  # the next opening shall not have to
            folder.checkpoint(folder.totals)
        return folder

    def add_opener(self, line: bytes) -> int:
        """The index of a newly accepted opener, given as its JSON line."""
        return self._logs.openers.add(line)

    def add_list(self, key: str, items: Sequence[str | None] | None, usage: Usage, how: str) -> None:
        """Keep an answer of the opener writer, parsed; `how` it was read; None: it came to nothing."""
        self._logs.lists.add(key, items, usage, how)

    def refuse_list(self, key: str, reply: Mapping[str, Any], usage: Usage) -> None:
        """Keep a reply of the opener writer that was no list, as it came; the next one is asked for only after this."""
        self._logs.lists.refuse(key, reply, usage)

    def lists_anew(self) -> None:
        """Have a later call ask for all lists anew: nothing came of them."""
        self._logs.lists.anew()

    def turn(
        self,
        index: int,
        n: int,
        side: str,
        message: Message,
        usage: Usage,
        plan: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> None:
        """Keep a finished turn; the next one of its dialogue is asked for only after this.

        `more`: `refused` and `noted`, where there are any (generator/folder/journal.py).
        """
        self._journal.turn(index, n, side, message, usage, plan, **more)

    def reply(self, index: int, side: str, reply: Mapping[str, Any], usage: Usage, noted: str | None) -> None:
        """Keep a reply that became no turn, as it came; the next one is asked for only after this."""
        self._journal.reply(index, side, reply, usage, noted)

    def spent(self, index: int, side: str, usage: Usage, noted: str | None = None) -> None:
        """Keep that a turn was given up, the cost of what of it has no line yet, and the check that this failed."""
        self._journal.spent(index, side, usage, noted)

    def done(self, index: int, dialogue: bytes) -> None:
        """Write a finished dialogue, given as its JSON line."""
        self._logs.dialogues.append(dialogue.rstrip(b"\n") + b"\n")
        self._journal.done(index)

    def fail(self, index: int, failure: Failure) -> None:
        """Give a dialogue up; its turns are kept for `retry_failed`."""
        self._journal.fail(index, failure)

    def retry_failed(self) -> int:
        """Open all failed dialogues again, with the turns that they had; how many."""
        failed = sorted(self._ledger.failed.items())
        for index, offset in failed:
            self._journal.retry(index, self._logs.journal.object(offset)["at"])
        return len(failed)

    def sync(self) -> None:
        """Put on disk what was written so far."""
        self._syncer.sync()

    def start_sync(self, interval_s: float = 1.0) -> None:
        """Sync in a thread at least every `interval_s` seconds until the folder is closed."""
        self._syncer.start(interval_s)

    def checkpoint(self, totals: Mapping[str, Any]) -> None:
        """Note how far the run has come; `totals` counts what was written so far, no more and no less.

        Returns at once: the files are written by a thread where `start_sync` was called.
        """
        taken = take(self._logs.journal, self._logs.all(), self._ledger, totals)
        changes = self._ledger.changes
        self._syncer.hand(lambda: self._save(taken, changes))

    def _save(self, taken: Checkpoint, changes: int) -> None:
        self._syncer.sync()
        try:
            taken.write(self.path / "checkpoint.json")
            if self._failures.due(changes):
                self._failures.write(taken.failed, changes)
        except OSError as error:
            self._disk.note(error, self.path)

    def close(self, summary: Mapping[str, Any]) -> None:
        """Write what a finished call leaves, summary.json too, and let the folder go."""
        try:
            self._syncer.stop()
            self._disk.release()
            self._syncer.sync()
            self._failures.write(self._ledger.failed, self._ledger.changes)
            lines = [orjson.dumps(summary, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)]
            write_atomically(self.path / "summary.json", lines)
            self._disk.check()
        except OSError as error:
            raise stopped(error, self.path) from None
        finally:
            self.release()

    def release(self) -> None:
        """Let the folder go as it is; nothing written is lost, and a second call does nothing."""
        if not self._lock.is_locked:
            return
        with suppress(DuologueError):
            self._syncer.stop()
        for log in self._logs.all():
            log.close()
        self._lock.release()
