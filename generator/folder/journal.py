"""The journal of a run: one line for each reply and each change of a dialogue's state.

    {"k": "turn", "i", "n", "side", "message", "usage", "plan"}   a finished turn; `plan` where there is one
                                                                  (`side` is "tool" for the results of commands)
    {"k": "reply", "i", "side", "reply", "usage", "noted"}        a reply that became no turn, as it came: its side is
                                                                  asked again, or ends the dialogue
    {"k": "spent", "i", "side", "usage", "noted"}                 a turn was given up; what of it has no line yet
    {"k": "done", "i", "at"}                                      its line stands in dialogues.jsonl
    {"k": "fail", "i", "at", "failure"}                           it ended badly
    {"k": "retry", "i", "at"}                                     it is open again, with the lines at these offsets

`noted` names the check that a reply failed, where one did; a turn may have it too, for what was let stand. `refused` of
a turn is how many replies failed one before it. The sum of `usage` over all lines is what was paid. Journals of earlier
versions have no `reply` lines, and the usage of all requests of a turn in its own.

Where several replies make one turn (answers that are compared, and what is said of them), each of them has a line.

`i` is the dialogue's index, the number of its line in openers.jsonl; `at` lists the offsets of its `turn`, `reply` and
`spent` lines since it was last begun anew.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from dialogue.records import Failure, Message, Usage, encode, plain
from generator.folder.appendlog import AppendLog, unreadable
from generator.folder.ledger import Ledger


class Journal:
    """Writes events, and keeps the ledger that they add up to."""

    def __init__(self, log: AppendLog, ledger: Ledger) -> None:
        self.log = log
        self.ledger = ledger

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
        event: dict[str, Any] = {"k": "turn", "i": index, "n": n, "side": side, "message": plain(message)}
        event["usage"] = plain(usage)
        if plan is not None:
            event["plan"] = plan
        self._append({**event, **more} if more else event)

    def reply(self, index: int, side: str, reply: Mapping[str, Any], usage: Usage, noted: str | None) -> None:
        event = {"k": "reply", "i": index, "side": side, "reply": reply, "usage": plain(usage)}
        self._append(event if noted is None else {**event, "noted": noted})

    def spent(self, index: int, side: str, usage: Usage, noted: str | None = None) -> None:
        event = {"k": "spent", "i": index, "side": side, "usage": plain(usage)}
        self._append(event if noted is None else {**event, "noted": noted})

    def done(self, index: int) -> None:
        self._append({"k": "done", "i": index, "at": self.ledger.at(index)})

    def fail(self, index: int, failure: Failure) -> None:
        written = orjson.Fragment(encode(failure).rstrip(b"\n"))
        self._append({"k": "fail", "i": index, "at": self.ledger.at(index), "failure": written})

    def retry(self, index: int, at: Iterable[int]) -> None:
        """Open the dialogue again with the lines at these offsets; with none it starts anew."""
        self._append({"k": "retry", "i": index, "at": list(at)})

    def events(self, index: int) -> list[dict[str, Any]]:
        """The `turn`, `reply` and `spent` events of an open dialogue, in order."""
        return [self.log.object(offset) for offset in self.ledger.at(index)]

    def _append(self, event: dict[str, Any]) -> None:
        offset = self.log.append(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))
        self.ledger.apply(event, offset)

    def replay(self, start: int) -> Iterator[tuple[int, dict[str, Any]]]:
        """Offset and event of each line from `start` on, after the ledger has counted it."""
        for offset, event in self.log.objects(start):
            try:
                self.ledger.apply(event, offset)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise unreadable(self.log.path, offset, f"not an event of a journal ({error!r})") from None
            yield offset, event
