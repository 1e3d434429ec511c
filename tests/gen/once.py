"""Runs whose replies are often of no use, on a server that counts its questions and can leave one on the wire.

Whether a reply is good follows from the question alone, so that a run that is stopped and taken up again can be held
against one that never was. Each role has a model of its own, by which the server tells who asks.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faulty import HANG, Answer, FaultyServer
from material_files import seeds
from page_files import page
from runs import Body, begin, end, question, questions, rows, well, write_openers

from dialogue.chance import share
from dialogue.records import Usage, plain
from gen.api import run

EMPTY, BAD = 0.15, 0.4
"""Shares of the replies that hold nothing, and, with those, of all that are of no use."""
TOKENS = ("prompt_tokens", "completion_tokens")
ROLES = ("opener", "user", "assistant")


@dataclass(frozen=True)
class Case:
    """A run, and how its assistant's replies are spoiled."""

    sector: str
    flags: Mapping[str, object] = field(default_factory=dict)
    grown: bool = False
    """Whether the opener writer is asked; else the openers are the user's own."""
    spoiled: str | None = None
    """What the assistant says in place of an answer; None: an earlier answer, where there is one."""
    draw: int = 0
    """Which replies are spoiled: a draw in which the case shows what it is for, in few requests."""

    def words(self, place: Path, base_url: str) -> tuple[object, ...]:
        """The command, its files written."""
        ends = "".join(
            f'[endpoint.{role}]\nbase_url = "{base_url}"\nmodel = "{role}"\nprice = {{ input = 1.0, output = 2.0 }}\n'
            for role in ROLES
        )
        names = "".join(f'{role} = "{role}"\n' for role in ROLES)
        config = f'[run]\nsector = "{self.sector}"\nretry_wait_s = 0.001\n{ends}[roles]\n{names}'
        (place / "run.toml").write_text(config, encoding="utf-8")
        brought: dict[str, object] = {"input": brought_by(self.sector, place)}
        if not self.grown and brought["input"] is None:
            brought = {"openers": write_openers(place / "openers.txt", questions(12))}
        flags = {"n": 1, "concurrency": 1, **self.flags, **brought, "out": place / "run"}
        given = [part for name, value in flags.items() if value is not None for part in (f"--{name}", value)]
        return ("run", "--config", place / "run.toml", *given)


ADVICE = "Loosen the soil and water it well. " * 10
CASES = {
    "two speakers": Case("world-questions", {"rounds": "4-4", "n": 2}, draw=7),
    "lists": Case("world-questions", {"rounds": "1-1", "n": 2}, grown=True, draw=13),
    "lists in vain": Case("world-questions", {"rounds": "1-1", "n": 2}, grown=True, draw=22),
    "tools": Case("tool-use", {"rounds": "2-2"}, grown=True, spoiled="It is as it is.", draw=1),
    "a field": Case("domain", {"rounds": "3-3"}, grown=True, spoiled=ADVICE, draw=14),
    "transcript": Case(
        "self-chat", {"shares": "transcript", "n": 4}, grown=True, spoiled="Nothing of the kind.", draw=14
    ),
    "feedback": Case("self-chat", {"shares": "feedback", "rounds": "2-2"}, draw=8),
    "checked": Case("school-math", {"n": 2}, grown=True, draw=12),
    "carried on": Case("continue", {"n": 2}, draw=13),
    "preference": Case("preference", {"n": 3}, draw=19),
}


def brought_by(sector: str, place: Path) -> Path | None:
    """What --input of the sector has to bring."""
    if sector == "domain":
        return page(place)
    if sector in ("continue", "preference"):
        out = place.parent / "source"  # of both runs: what they are asked includes what is in it
        run(sector="world-questions", n=3, rounds="1-1", endpoint="builtin", out=out)
        return out
    return seeds(place / "seeds.txt", 8) if sector == "self-chat" else None


class Counting(FaultyServer):
    """Counts how often each question is asked, and what is paid for the answers."""

    def __init__(self, case: Case, *, hold: bool = False, delay_s: float = 0.0) -> None:
        """`hold`: each question is left without an answer when it is first asked."""
        super().__init__(self._act)
        self.case = case
        self._hold = hold
        self._delay_s = delay_s
        self.asked: Counter[str] = Counter()
        self.held = 0
        self.paid: Counter[str] = Counter()

    def _act(self, number: int, body: Body) -> Answer:
        self.asked[question(body)] += 1
        if self._hold and self.asked[question(body)] == 1:
            self.held += 1
            return HANG
        answer = well(body, **self._said(body))
        self.paid["requests"] += 1
        self.paid.update({name: json.loads(answer.body)["usage"][name] for name in TOKENS})
        return Answer(answer.body, delay_s=self._delay_s)

    def _said(self, body: Body) -> dict[str, str]:
        """What of the message is another than in a good answer."""
        chance = share(question(body), "spoiled", self.case.draw)
        if chance >= BAD:
            return {}
        if chance < EMPTY:
            return {"content": ""}
        if body["model"] == "opener":
            return {"content": "I would rather talk about the weather."}
        if body["model"] == "user":
            return {"content": "Thank you so much!"}
        earlier = [message["content"] for message in body["messages"] if message["role"] == "assistant"]
        bad = self.case.spoiled or (earlier[-1] if earlier else None)
        return {"content": bad} if bad else {}


def told(folder: Path) -> dict[str, Any]:
    """What a run came to, without when it was made."""
    made = [{**row, "created": None} for row in rows(folder / "dialogues.jsonl")]
    summary = json.loads((folder / "summary.json").read_bytes())
    names = ("requests", "replies", *TOKENS, "cost_usd")
    meter = {role: {name: paid[name] for name in names} for role, paid in summary["meter"]["roles"].items()}
    return {
        "dialogues": sorted(made, key=lambda row: str(row["id"])),
        "failures": rows(folder / "failures.jsonl"),
        "openers": rows(folder / "openers.jsonl"),
        "tally": summary["tally"],
        "meter": meter,
        "cost": summary["meter"]["cost_usd"],
    }


def journalled(folder: Path) -> Counter[str]:
    """What all lines of the logs say that was paid, together."""
    paid: Counter[str] = Counter()
    for line in (*rows(folder / "journal.jsonl"), *rows(folder / "lists.jsonl")):
        usage = line.get("usage") or {}
        paid.update({name: usage.get(name) or 0 for name in ("requests", *TOKENS)})
    return paid


async def never_stopped(case: Case, place: Path) -> tuple[dict[str, Any], Counter[str]]:
    """What the run comes to, and its questions."""
    place.mkdir()
    async with Counting(case) as server:
        said = await end(await begin(*case.words(place, server.base_url)))
        assert said.status in (0, 1), said.err
        found = told(place / "run")
        assert max(server.asked.values()) == 1
        assert journalled(place / "run") == server.paid
        return found, server.asked


def in_the_old_way(folder: Path, lines: int) -> None:
    """Make the folder one that an earlier version left when it was killed: the cost of a reply that became no turn
    stands with the turn after it, or with the end of its dialogue. The journal has its first `lines` lines of turns.
    """
    for name in ("dialogues.jsonl", "failures.jsonl", "summary.json", "checkpoint.json"):
        (folder / name).unlink(missing_ok=True)
    owed: dict[int, Usage] = {}
    kept = []
    for line in rows(folder / "journal.jsonl"):
        if line["k"] == "reply":
            owed[line["i"]] = owed.get(line["i"], Usage()) + Usage(**line["usage"])
        elif line["k"] == "turn":
            paid = plain(owed.pop(line["i"], Usage()) + Usage(**line["usage"]))
            kept.append({**{name: value for name, value in line.items() if name != "refused"}, "usage": paid})
    text = "".join(json.dumps(line) + "\n" for line in kept[:lines])
    (folder / "journal.jsonl").write_text(text, encoding="utf-8")


async def killed_while(server: Counting, words: tuple[object, ...], held: int) -> bool:
    """Kill the run once the server holds more than so many questions; False: it ended before."""
    child = await begin(*words)
    while child.returncode is None and server.held == held:
        await asyncio.sleep(0.005)
    if child.returncode is None:
        child.kill()
    said = await end(child)
    assert said.status in (-9, 0, 1), said.err
    return said.status == -9
