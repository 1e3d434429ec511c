"""Real `gen` child processes before a loopback server, and everything that they leave: what was said, what is on disk.

The server answers as the embedded endpoint does, over HTTP, except where a case has it misbehave. Every child bears a
key in its environment, which must come out nowhere: `leaks` tells where it did.
"""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson
from faulty import Answer, FaultyServer

from generator.builtin.server import Server

ROOT = Path(__file__).parents[2]
KEY_VARIABLE = "REHEARSAL_KEY"
KEY = "hush-4f1d9be27c60a853-hush"
NOTE = "\n* * *\n"
"""Stands in the last message of every request of the user simulator."""

ANSWERER = Server(seed=0, wrong_share=0.0, faults=0.0)
Body = dict[str, Any]
Behaviour = Callable[[int, Body], Answer]


@dataclass(frozen=True)
class Good(Answer):
    """An answer without fault: what it answers has no need to be asked again."""


def well(body: Body, **message: Any) -> Good:
    """A good answer to whatever is asked, lists of openers included; keywords go into its message."""
    status, content = ANSWERER.respond(orjson.dumps(body))
    said = orjson.loads(content)
    if status == 200:
        said["model"] = "stub-1"
        said["choices"][0]["message"].update(message)
    return Good(json.dumps(said).encode(), status)


def good(number: int, body: Body) -> Answer:
    """The behaviour of a server without fault."""
    return well(body)


def side(body: Body) -> str:
    """Who asks: "opener", "user" or "assistant"."""
    last = body["messages"][-1]["content"]
    return "user" if NOTE in last else "opener" if "Write exactly" in last else "assistant"


def mentions(body: Body, word: str) -> bool:
    """Whether the word stands in the request."""
    return any(word in message["content"] for message in body["messages"])


def question(body: Body) -> str:
    """What is asked, apart from its sampling: two requests with the same one ask the same twice."""
    return json.dumps([body["messages"], body.get("seed")])


class Watched(FaultyServer):
    """A server that remembers which questions it has answered without fault."""

    def __init__(self, behaviour: Behaviour = good) -> None:
        super().__init__(self._watch)
        self.act = behaviour
        self.answered: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()

    def _watch(self, number: int, body: Body) -> Answer:
        answer = self.act(number, body)
        self.statuses[answer.status] += 1
        if isinstance(answer, Good):
            self.answered[question(body)] += 1
        return answer

    def since(self, mark: int) -> list[Body]:
        """The requests from number `mark` on."""
        return self.bodies[mark:]


@dataclass(frozen=True)
class Said:
    """What a child process showed."""

    status: int
    out: str
    err: str

    @cached_property
    def notes(self) -> list[str]:
        """The lines of stderr that are no progress."""
        return [line for line in self.err.splitlines() if " dialogues · " not in line]

    @property
    def verdict(self) -> str:
        """The one line that says why the command ended badly; "" where there is none."""
        own = [line for line in self.notes if line.startswith("gen")]
        return own[-1] if own and self.status in (1, 2, 3) else ""

    def check(self, status: int, *parts: str) -> "Said":
        """Assert the exit status, that each part was said, and that a bad end has one line of its own."""
        assert self.status == status, f"status {self.status}, expected {status}\n{self.err}\n{self.out}"
        assert "Traceback" not in self.err + self.out, self.err
        for part in parts:
            assert part in self.err, f"{part!r} is not in\n{self.err}"
        if status in (2, 3):
            complaints = [line for line in self.notes if line.startswith(("gen run: ", "gen plan: ", "gen show: "))]
            complaints = [line for line in complaints if "writing to" not in line]
            assert len(complaints) == 1, f"{len(complaints)} lines say why\n{self.err}"
        return self


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """What a child sees: nobody's real keys, one of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return {**kept, "OMP_NUM_THREADS": "1", KEY_VARIABLE: KEY, **(more or {})}


async def begin(
    *words: object, environ: Mapping[str, str] | None = None, cwd: Path = ROOT, **options: Any
) -> asyncio.subprocess.Process:
    """A `gen` command under way."""
    pipe = asyncio.subprocess.PIPE
    found = {"PYTHONPATH": str(ROOT), **environment(environ)}
    command = (sys.executable, "-m", "gen.main", *map(str, words))
    outputs = {"stdin": asyncio.subprocess.DEVNULL, "stdout": pipe, "stderr": pipe, **options}
    return await asyncio.create_subprocess_exec(*command, cwd=cwd, env=found, **outputs)


async def end(child: asyncio.subprocess.Process, within_s: float = 60.0) -> Said:
    """What it showed, once it has ended; killed where it does not."""
    showing = asyncio.create_task(child.communicate())
    _, late = await asyncio.wait({showing}, timeout=within_s)
    if late:
        child.kill()
    out, err = await showing
    assert not late, f"the command did not end within {within_s:g} s\n{(err or b'').decode()}"
    assert child.returncode is not None
    said = Said(child.returncode, (out or b"").decode(), (err or b"").decode())
    assert KEY not in said.out + said.err, "the key was shown"
    return said


async def gen(
    *words: object, environ: Mapping[str, str] | None = None, within_s: float = 60.0, cwd: Path = ROOT
) -> Said:
    """A `gen` command from beginning to end."""
    return await end(await begin(*words, environ=environ, cwd=cwd), within_s)


def leaks(*places: Path, key: str = KEY) -> list[str]:
    """Names of the files, in folders or by themselves, that hold the key."""
    files = (file for place in places for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file())
    return [str(file) for file in files if key.encode() in file.read_bytes()]


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file, every line whole and UTF-8; none where there is no file."""
    if not path.exists():
        return []
    text = path.read_bytes().decode()
    assert text == "" or text.endswith("\n"), f"{path}: torn"
    return [json.loads(line) for line in text.split("\n")[:-1]]


@dataclass(frozen=True)
class Disk:
    """What stands in a run folder."""

    dialogues: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    journal: list[dict[str, Any]]
    openers: list[dict[str, Any]]
    summary: dict[str, Any]

    @classmethod
    def of(cls, folder: Path) -> "Disk":
        """Read it, and assert what holds for every folder at every time."""
        names = ("dialogues", "failures", "journal", "openers")
        found = [rows(folder / f"{name}.jsonl") for name in names]
        file = folder / "summary.json"
        disk = cls(*found, summary=json.loads(file.read_bytes()) if file.exists() else {})
        ids = [dialogue["id"] for dialogue in disk.dialogues]
        assert len(set(ids)) == len(ids), "an id twice"
        assert not set(ids) & {failure["id"] for failure in disk.failures}, "done and failed"
        said = Counter((event["i"], event["n"]) for event in disk.journal if event["k"] == "turn")
        assert not said or max(said.values()) == 1, "a turn was paid for twice"
        return disk

    @property
    def reasons(self) -> dict[str, int]:
        """Failures by reason."""
        return dict(Counter(failure["reason"] for failure in self.failures))

    @property
    def turns(self) -> int:
        """Finished turns in the journal."""
        return sum(event["k"] == "turn" for event in self.journal)

    def role(self, name: str) -> dict[str, Any]:
        """What the last summary says of one role's requests."""
        role: dict[str, Any] = self.summary["meter"]["roles"][name]
        return role


STRUCK = "Saturn"
SUBJECTS = [
    "tides",
    "bread",
    "glaciers",
    "violins",
    "passports",
    "vaccines",
    "coral",
    "bridges",
    "chess",
    "tea",
    "volcanoes",
    "silk",
    "compost",
    "railways",
    "pianos",
    "bees",
    "dams",
    "paper",
    "deserts",
    "sailing",
    "cheese",
    "maps",
    "thunder",
    "orchids",
    "clocks",
]
FRAMES = (
    "Why did {} matter so much to the people who first wrote about it?",
    "How do {} work, told to somebody who has never seen one?",
    "What goes wrong most often with {}, and how would I notice?",
    "Is there a cheap way to learn about {} at home?",
    "Who decided how {} should be measured?",
)


def questions(n: int) -> list[str]:
    """n opening lines, all different; the second one is the one that a fault strikes."""
    found = [frame.format(subject) for frame in FRAMES for subject in SUBJECTS]
    found[1] = f"How do we know what the rings of {STRUCK} are made of?"
    return found[:n]


def write_openers(path: Path, lines: Iterable[str]) -> Path:
    """A file of own openers."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_config(path: Path, *urls: str, run: str = "", endpoint: str = "", roles: str = "") -> Path:
    """A project's TOML for servers of the endpoint `main`; further lines go into its tables."""
    path.write_text(
        f'[run]\nsector = "world-questions"\nretry_wait_s = 0.01\n{run}\n'
        f"[endpoint.main]\nbase_url = {json.dumps(urls)}\n"
        f'model = "stub-1"\napi_key_env = "{KEY_VARIABLE}"\n{endpoint}\n[roles]\n{roles}\n',
        encoding="utf-8",
    )
    return path


def on(server: Watched, place: Path, n: int, rounds: str = "2-2") -> tuple[object, ...]:
    """A run of own openers on a server."""
    config = write_config(place / "run.toml", server.base_url)
    openers = write_openers(place / "openers.txt", questions(max(n, 12)))
    return ("run", "--config", config, "--openers", openers, "--rounds", rounds, "--out", place / "run", "--n", n)
