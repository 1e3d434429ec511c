"""From the logs that a killed run left to the state in which the next call goes on.

Three things may be out of step, since each is its own file. After a kill: a torn last line, and a line of
dialogues.jsonl whose `done` event was never written. After a loss of power any of the logs may also have lost its
last second: a `done` event without its dialogue, turns of an opener that is gone, a dialogue of such an opener. Each
is put right here, by appending to the journal, and none costs a request that was answered before.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson

from generator.folder.appendlog import AppendLog
from generator.folder.checkpoint import Checkpoint
from generator.folder.journal import Journal
from generator.folder.ledger import Bitmap
from generator.folder.openerlog import ListLog, OpenerLog

Fold = Callable[[dict[str, Any], dict[str, Any]], None]
"""Adds one event to the totals; see `RunFolder.open` for the kinds."""

_COUNTED = frozenset({"turn", "reply", "spent", "fail"})


@dataclass(slots=True)
class Logs:
    """The four files of a run that only grow."""

    journal: AppendLog
    dialogues: AppendLog
    openers: OpenerLog
    lists: ListLog

    def all(self) -> list[AppendLog]:
        """In the order in which they are put on disk: what others refer to comes first."""
        return [self.lists.log, self.openers.log, self.dialogues, self.journal]


def replay(journal: Journal, logs: Logs, saved: Checkpoint | None, fold: Fold) -> dict[str, Any]:
    """The totals, after the ledger has counted the journal from where the checkpoint needs it.

    Events before the checkpoint are in its totals already; only later ones are folded into them.
    """
    totals: dict[str, Any] = orjson.loads(saved.totals) if saved else {}
    counted = saved.ends if saved else dict.fromkeys((log.path.name for log in logs.all()), 0)
    for offset, event in journal.replay(saved.journal_low if saved else 0):
        if offset >= counted[logs.journal.path.name] and event["k"] in _COUNTED:
            fold(totals, event)
    for _, answer in logs.lists.log.objects(counted[logs.lists.log.path.name]):
        fold(totals, {"k": "list", **answer})
    return totals


def reconcile(
    journal: Journal,
    logs: Logs,
    saved: Checkpoint | None,
    say: Callable[[str], None],
    count: Callable[[dict[str, Any]], None],
) -> None:
    """Bring journal, openers.jsonl and dialogues.jsonl into step; reads only what is younger than the checkpoint.

    Each finished dialogue is counted by its line, since its event may be missing or alone.
    """
    _forget_lost_openers(journal, logs.openers, say)
    ledger = journal.ledger
    standing = Bitmap(saved.done if saved else b"")
    likely = None if saved is None else [*ledger.done.minus(standing), *ledger.open]
    find = _finder(logs.openers, likely)
    strays: dict[int, dict[str, Any]] = {}
    for offset, dialogue in logs.dialogues.objects(saved.ends[logs.dialogues.path.name] if saved else 0):
        index = find(dialogue.get("id"))
        if index is None or index in standing:
            strays[offset] = dialogue
            continue
        standing.add(index)
        count({"k": "done", "i": index, "stop": dialogue.get("stop")})
        if index not in ledger.done:  # killed between the dialogue and its event
            journal.done(index)
    _reopen(journal, set(ledger.done.minus(standing)), saved.journal_low if saved else 0, say)
    if strays:
        _set_aside(logs.dialogues, strays, say)


def _forget_lost_openers(journal: Journal, openers: OpenerLog, say: Callable[[str], None]) -> None:
    """Start anew what was said under openers that a loss of power took: the next openers get their numbers."""
    ledger, count = journal.ledger, len(openers)
    lost = {index for index in (*ledger.open, *ledger.failed) if index >= count}
    lost.update(index for index in ledger.done.beyond(count))
    for index in sorted(lost):
        journal.retry(index, [])
    if lost:
        say(f"{openers.log.path}: {len(lost)} openers were lost with their dialogues (power failure?)")


def _finder(openers: OpenerLog, likely: Iterable[int] | None) -> Callable[[object], int | None]:
    """A function from id to index; tries the likely ones before it reads all openers."""
    near = {str(openers[index]["id"]): index for index in likely or ()}
    everyone: list[Callable[[object], int | None]] = []

    def find(id: object) -> int | None:
        if not isinstance(id, str):
            return None
        if id in near:
            return near[id]
        if not everyone:
            everyone.append(_search(openers))
        return everyone[0](id)

    return find


def _search(openers: OpenerLog) -> Callable[[object], int | None]:
    """The same over all openers, in 24 bytes each, by the 64-bit hashes of their ids."""
    hashes = np.fromiter((hash(opener["id"]) for opener in openers), dtype=np.int64, count=len(openers))
    order = np.argsort(hashes, kind="stable")
    ascending = hashes[order]

    def find(id: object) -> int | None:
        wanted = hash(id)
        place = int(np.searchsorted(ascending, wanted))
        return int(order[place]) if place < len(ascending) and ascending[place] == wanted else None

    return find


def _reopen(journal: Journal, lost: set[int], start: int, say: Callable[[str], None]) -> None:
    """Open the dialogues again whose line never reached the disk; their turns did."""
    if not lost:
        return
    at: dict[int, list[int]] = {}
    for _, event in journal.log.objects(start):
        if event["k"] == "done" and event["i"] in lost:
            at[event["i"]] = event["at"]
    for index in sorted(lost):
        journal.retry(index, at[index])
    say(f"{len(lost)} finished dialogues were missing from dialogues.jsonl; they are written again from their turns")


def _set_aside(dialogues: AppendLog, strays: dict[int, dict[str, Any]], say: Callable[[str], None]) -> None:
    """Move lines of an unknown or repeated id out of dialogues.jsonl, and lose none."""
    aside = dialogues.path.with_name("strays.jsonl")
    with aside.open("ab") as file:
        file.writelines(_lines(strays))
    dialogues.without(set(strays))
    say(f"{dialogues.path}: {len(strays)} lines without an opener, or second of their id, were moved to {aside.name}")


def _lines(strays: dict[int, dict[str, Any]]) -> Iterator[bytes]:
    return (orjson.dumps(dialogue, option=orjson.OPT_APPEND_NEWLINE) for dialogue in strays.values())
