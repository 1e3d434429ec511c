"""A child process that appends in a loop, killed by SIGKILL at random moments."""

import random
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from generator.folder.run_folder import RunFolder

CHILD = """
import sys
from pathlib import Path
import orjson
from dialogue.records import Message, Usage
from generator.folder.run_folder import RunFolder

folder = RunFolder.open(Path(sys.argv[1]), {}, {}, lambda note: None)
folder.start_sync(0.01)
count = 0
while True:
    folder.add_opener(orjson.dumps({"id": f"d-{folder.openers}"}))
    for index in folder.unfinished(1_000_000):
        for n in range(len(folder.events(index)), 5):
            folder.turn(index, n, "user", Message(role="user", content=f"{index}/{n} " + "x" * 2000), Usage(requests=1))
            print("turn", index, n, flush=True)
        folder.done(index, orjson.dumps({"id": f"d-{index}", "turns": len(folder.events(index))}))
        print("done", index, 0, flush=True)
        count += 1
        if count % 7 == 0:
            folder.checkpoint({})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_child_has_lost_nothing_that_it_was_told_is_written(tmp_path: Path) -> None:
    told: set[tuple[str, ...]] = set()
    chance = random.Random(5)
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", CHILD, tmp_path], stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for _ in range(chance.randrange(20, 400)):
                told.add(tuple(child.stdout.readline().split()))
            child.kill()
            told.update(tuple(line.split()) for line in child.stdout if line.endswith("\n"))
    told.discard(())
    folder = RunFolder.open(tmp_path, {}, {}, lambda note: None)
    dialogues = [orjson.loads(line) for line in (tmp_path / "dialogues.jsonl").read_bytes().splitlines()]
    ids = [dialogue["id"] for dialogue in dialogues]
    assert len(ids) == len(set(ids)) == folder.done_count
    assert all(dialogue["turns"] == 5 for dialogue in dialogues)
    written = {("done", id[2:], "0") for id in ids}
    for line in (tmp_path / "journal.jsonl").read_bytes().splitlines():
        event = orjson.loads(line)
        if event["k"] == "turn":
            turn = ("turn", str(event["i"]), str(event["n"]))
            assert turn not in written, "asked twice"
            written.add(turn)
    assert told <= written
    folder.release()
