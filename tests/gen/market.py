"""A corpus that holds items of a small benchmark, and `gen contamination` on it as it is typed."""

import asyncio
import contextlib
import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, reply
from runs import KEY, KEY_VARIABLE, Said

from gen.main import main

GOODS = ("lanterns", "kettles", "saddles", "mirrors", "anvils", "tapestries", "compasses", "barrels")
TOWNS = ("Ghent", "Lucca", "Porto", "Turku", "Bergen", "Sopot", "Kotor", "Visby")


NAMES = ("Amara", "Bertil", "Chidi", "Dagny", "Emeka", "Freya", "Gaston", "Hedda")
GOODS = ("lanterns", "kettles", "saddles", "mirrors", "anvils", "tapestries", "compasses", "barrels")
TOWNS = ("Ghent", "Lucca", "Porto", "Turku", "Bergen", "Sopot", "Kotor", "Visby")


def question(n: int) -> str:
    name, goods, town = NAMES[n], GOODS[n], TOWNS[n]
    return (
        f"{name} the merchant sells {goods} at the market of {town} for {n + 3} florins apiece and every seventh "
        f"customer haggles the price down by half. After {10 * n + 20} customers how many florins has {name} earned?"
    )


def near(n: int, beginning: str = "Consider this") -> str:
    """The same in other words."""
    name, goods, town = NAMES[n], GOODS[n], TOWNS[n]
    return (
        f"{beginning}: at {town} market a merchant called {name} is selling {goods}, {n + 3} florins for one. Half "
        f"price goes to each seventh haggling customer. How many florins has {name} got, customers being {10 * n + 20}?"
    )


def other(n: int) -> str:
    return f"Could you tell me about lake number {n} of the north, how deep it is and who fishes there in winter?"


def dialogue(id: str, said: str) -> dict[str, Any]:
    answer = {"role": "assistant", "content": "Let us look at that together, one thing after the other."}
    return {"id": id, "messages": [{"role": "user", "content": said}, answer]}


def write(path: Path, lines: Iterable[Any]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines))
    return path


CORPUS = [
    *(dialogue(f"other-{n}", other(n)) for n in range(30)),
    dialogue("verbatim", question(0)),
    *(dialogue(f"near-{n}", near(n)) for n in range(1, 8)),
]
NEAR = 7


def laid_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A benchmark of eight items with its map, and a corpus that holds one word for word and seven in other words."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    write(tmp_path / "items.jsonl", ({"q": question(n), "a": f"{n}"} for n in range(8)))
    (tmp_path / "market.toml").write_text('question = "q"\nanswer = "a"\npath = "items.jsonl"\n')
    write(tmp_path / "in.jsonl", CORPUS)
    return tmp_path


def words(place: Path, *more: object) -> tuple[object, ...]:
    """The command on the folder `out`, with a small self-test."""
    config = place / "project.toml"
    if not config.exists():
        config.write_text("[contamination]\nplants = 4\n")
    benchmark = ("--benchmark", place / "market.toml", "--workers", 1)
    return ("contamination", place / "in.jsonl", *benchmark, "--out", place / "out", "--config", config, *more)


def judging(
    place: Path, server: FaultyServer, *more: object, endpoint: str = "", plants: int = 0
) -> tuple[object, ...]:
    """The same with a judge."""
    (place / "project.toml").write_text(
        f"[contamination]\nplants = {plants}\nretry_wait_s = 0.01\n[endpoint.main]\n"
        f'base_url = "{server.base_url}"\nmodel = "stub-1"\napi_key_env = "{KEY_VARIABLE}"\n{endpoint}\n'
    )
    return words(place, "--judge", "main", *more)


async def play(*words: object) -> Said:
    """The command in this process, in a thread: the server that it asks lives in this one."""
    out, err = io.StringIO(), io.StringIO()

    def command() -> int:
        try:
            return main([*map(str, words)])
        except SystemExit as left:
            return int(str(left.code))

    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        ended = await asyncio.to_thread(command)
    return Said(ended, out.getvalue(), err.getvalue())


def said(word: str, **fields: Any) -> Answer:
    return reply(json.dumps({"reason": "so it is", "verdict": word}), **fields)


def asked_of(body: dict[str, Any]) -> int:
    """The number of the item that a judge is asked about."""
    prompt = body["messages"][0]["content"]
    return next(n for n, name in enumerate(NAMES) if f"{name} the merchant" in prompt)


def odd_leak(number: int, body: dict[str, Any]) -> Answer:
    return said("leak" if asked_of(body) % 2 else "not_leak")


def report(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "out" / "report.json").read_bytes())
    return found


def check(found: Said, status: int, *parts: str) -> Said:
    """Assert the exit status, the parts of stderr, and that a bad end has one line that is the command's own."""
    assert found.status == status, f"{found.status}\n{found.err}\n{found.out}"
    assert "Traceback" not in found.err
    for part in parts:
        assert part in found.err, found.err
    own = [line for line in found.err.splitlines() if line.startswith("gen contamination: ")]
    assert len(own) == (1 if status in (2, 3) else 0), found.err
    return found


def write_plants(place: Path, plants: int) -> Path:
    (place / "plants.toml").write_text(f"[contamination]\nplants = {plants}\n")
    return place / "plants.toml"
