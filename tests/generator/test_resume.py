"""Kills and power losses at every byte, against a plain reading of the same bytes."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialogue.records import Failure, Message, Usage
from generator.folder.run_folder import RunFolder

NAMES = ("lists.jsonl", "openers.jsonl", "dialogues.jsonl", "journal.jsonl")
PAID = Usage(requests=1, prompt_tokens=10)


@pytest.fixture(autouse=True, scope="module")
def quick() -> Iterator[None]:
    """Without waiting for a disk: what is tested here is order, not the disk."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        patch.setattr("generator.folder.appendlog._sync", lambda descriptor: None)
        patch.setattr("generator.folder.disk.RESERVE_BYTES", 4096)
        yield


def add(totals: dict[str, Any], event: dict[str, Any]) -> None:
    key = {"done": event.get("stop"), "fail": "fail"}.get(event["k"], f"{event['k']} tokens")
    totals[str(key)] = totals.get(str(key), 0) + event.get("usage", {"prompt_tokens": 1})["prompt_tokens"]


def opened(path: Path) -> RunFolder:
    return RunFolder.open(path, {"seed": 1}, {}, lambda note: None, fold=add)


@dataclass
class Tape:
    """A run's files, and their sizes after each single write."""

    path: Path
    sizes: list[dict[str, int]] = field(default_factory=list)
    checkpoints: list[tuple[int, bytes]] = field(default_factory=list)
    """How many writes had been made, and the file."""


def finish(folder: RunFolder, index: int) -> None:
    said = [event["message"]["content"] for event in folder.events(index) if event["k"] == "turn"]
    folder.done(index, orjson.dumps({"id": f"d-{index}", "messages": said, "stop": "max_turns"}))


def record(path: Path, seed: int, length: int) -> Tape:
    """A run of random events, as they would come from a few dialogues at once."""
    chance, folder, tape = random.Random(seed), opened(path), Tape(path)
    totals: dict[str, Any] = {}

    def note() -> None:
        before = tape.sizes[-1] if tape.sizes else dict.fromkeys(NAMES, 0)
        for name in NAMES:  # dialogues.jsonl stands before the journal, as it is written
            size = (path / name).stat().st_size
            if size != before[name]:
                before = {**before, name: size}
                tape.sizes.append(before)

    for number in range(length):
        live = list(folder.unfinished(1000))[:4]
        act = chance.choice([*["turn"] * 4, "opener", "reply", "spent", "done", "fail", "retry", "list", "point"])
        if act == "opener" or (not live and act in ("turn", "reply", "spent", "done", "fail")):
            folder.add_opener(orjson.dumps({"id": f"d-{folder.openers}", "opener": "x" * chance.randrange(30)}))
        elif act == "turn":
            text = f"{number} \u2028 é\r\n\x00" + "y" * chance.choice([0, 5, 300])
            event = {"k": "turn", "usage": {"prompt_tokens": 10}}
            folder.turn(chance.choice(live), number, "user", Message(role="user", content=text), PAID, {"act": number})
            add(totals, event)
        elif act == "reply":
            folder.reply(chance.choice(live), "user", {"content": f"{number} \u2028"}, PAID, "length")
            add(totals, {"k": "reply", "usage": {"prompt_tokens": 10}})
        elif act == "spent":
            folder.spent(chance.choice(live), "user", PAID)
            add(totals, {"k": "spent", "usage": {"prompt_tokens": 10}})
        elif act == "done":
            finish(folder, chance.choice(live))
            add(totals, {"k": "done", "stop": "max_turns"})
        elif act == "fail":
            index = chance.choice(live)
            folder.fail(index, Failure(id=f"d-{index}", stage="dialogue", reason="repeat", detail="z"))
            add(totals, {"k": "fail"})
        elif act == "retry":
            folder.retry_failed()
        elif act == "list":
            folder.add_list(f"question/{number}", [str(number), None], PAID, "text")
            add(totals, {"k": "list", "usage": {"prompt_tokens": 10}})
        else:
            folder.checkpoint(totals)
            tape.checkpoints.append((len(tape.sizes), (path / "checkpoint.json").read_bytes()))
        note()
    folder.release()
    return tape


def cut(tape: Tape, to: Path, ends: dict[str, int], checkpoint: bytes | None) -> Path:
    to.mkdir()
    shutil.copy(tape.path / "run.json", to)
    for name in NAMES:
        (to / name).write_bytes((tape.path / name).read_bytes()[: ends[name]])
    if checkpoint is not None:
        (to / "checkpoint.json").write_bytes(checkpoint)
    return to


def state(path: Path) -> dict[str, Any]:
    """All that a run can see of a folder just opened."""
    folder = opened(path)
    found = {
        "done": bytes(folder._ledger.done).rstrip(b"\0"),
        "failed": sorted(folder._ledger.failed),
        "open": {index: folder.events(index) for index in folder._ledger.open},
        "unfinished": list(folder.unfinished(1000)),
        "openers": [folder.opener(index) for index in range(folder.openers)],
        "totals": folder.totals,
        "keys": sorted(key for key in (f"question/{n}" for n in range(200)) if folder.items(key)),
    }
    folder.release()
    return found


def objects(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file, and a last one that only lacks its newline."""
    found = []
    for line in path.read_bytes().split(b"\n"):
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError:
            continue
    return found


def plainly(path: Path) -> dict[str, Any]:
    """The state after a kill, from the definition: the last word on each dialogue counts."""
    openers = objects(path / "openers.jsonl")
    said: dict[int, list[dict[str, Any]]] = {}
    last: dict[int, str] = {}
    for event in objects(path / "journal.jsonl"):
        if event["k"] in ("turn", "reply", "spent"):
            said.setdefault(event["i"], []).append(event)
        last[event["i"]] = event["k"]
    for dialogue in objects(path / "dialogues.jsonl"):
        last[int(dialogue["id"][2:])] = "done"
    done = {index for index, kind in last.items() if kind == "done"}
    failed = {index for index, kind in last.items() if kind == "fail"}
    live = {index: said[index] for index in said if index not in done | failed}
    rest = [index for index in range(len(openers)) if index not in done | failed | set(live)]
    return {"failed": sorted(failed), "open": live, "unfinished": sorted(live) + rest, "openers": openers}


def check_ends_well(path: Path) -> None:
    """Play everything to its end: each opener has one dialogue or one failure, and no id stands twice."""
    folder = opened(path)
    for index in list(folder.unfinished(1000)):
        finish(folder, index)
    failed, count = len(folder._ledger.failed), folder.openers
    folder.close({})
    ids = [dialogue["id"] for dialogue in objects(path / "dialogues.jsonl")]
    assert len(ids) == len(set(ids)) == count - failed
    assert set(ids) <= {opener["id"] for opener in objects(path / "openers.jsonl")}
    assert len(objects(path / "failures.jsonl")) == failed


runs = st.tuples(st.integers(0, 10_000), st.integers(1, 90))
slowly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slowly
@given(runs, st.data())
def test_a_kill_at_any_byte_loses_no_turn_and_repeats_no_id_whatever_the_checkpoint(
    run: tuple[int, int], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        tape = record(root / "run", *run)
        steps = [dict.fromkeys(NAMES, 0), *tape.sizes]
        step = data.draw(st.integers(0, len(steps) - 1), "writes")
        ends = dict(steps[step])
        if step + 1 < len(steps):
            name = next(name for name in NAMES if steps[step + 1][name] != ends[name])
            ends[name] += data.draw(st.integers(0, steps[step + 1][name] - ends[name]), "bytes of the next write")
        known = [content for made, content in tape.checkpoints if made <= step]
        checkpoint = data.draw(st.sampled_from([None, *known]), "checkpoint")
        whole = state(cut(tape, root / "whole", ends, None))
        assert {name: whole[name] for name in ("failed", "open", "unfinished", "openers")} == plainly(
            cut(tape, root / "plain", ends, None)
        )
        resumed = cut(tape, root / "resumed", ends, checkpoint)
        assert state(resumed) == whole
        assert state(resumed) == whole
        check_ends_well(resumed)


@slowly
@given(runs, st.data())
def test_a_power_loss_that_cuts_each_file_where_it_likes_leaves_a_folder_that_ends_well(
    run: tuple[int, int], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        tape = record(root / "run", *run)
        last = tape.sizes[-1] if tape.sizes else dict.fromkeys(NAMES, 0)
        ends = {name: data.draw(st.integers(0, last[name]), name) for name in NAMES}
        checkpoint = data.draw(st.sampled_from([None, *(content for _, content in tape.checkpoints)]), "checkpoint")
        zeros = data.draw(st.sampled_from([*NAMES, ""]), "a tail of zeros in")
        folders = [cut(tape, root / name, ends, point) for name, point in (("a", None), ("b", checkpoint))]
        for folder in folders:
            if zeros:
                with (folder / zeros).open("ab") as file:
                    file.write(bytes(5000))
        kept = {event["message"]["content"] for event in turns_that_count(folders[0])}
        whole = state(folders[0])
        assert state(folders[1]) == whole
        assert kept <= {event["message"]["content"] for events in whole["open"].values() for event in events_of(events)}
        check_ends_well(folders[1])


def events_of(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [event for event in events if event["k"] == "turn"]


def turns_that_count(path: Path) -> list[dict[str, Any]]:
    """Turns on disk whose opener is there too, of dialogues that neither failed nor stand finished."""
    openers = len(objects(path / "openers.jsonl"))
    standing = {int(dialogue["id"][2:]) for dialogue in objects(path / "dialogues.jsonl")}
    events = objects(path / "journal.jsonl")
    last = {event["i"]: event["k"] for event in events}
    return [
        event
        for event in events_of(events)
        if event["i"] < openers and event["i"] not in standing and last[event["i"]] != "fail"
    ]
