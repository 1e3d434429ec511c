"""What holds for the dialogues of every sector, looked at in a run on the embedded endpoint."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from dialogue.faults import user_fault
from dialogue.records import Dialogue, decode
from gen.api import run
from prompts.loader import Prompts
from prompts.sector import load

PROMPTS = Prompts()


def play(sector: str, n: int, out: Path, language: str = "en", **options: object) -> list[Dialogue]:
    """The dialogues of a run that none failed in."""
    summary = run(sector=sector, n=n, endpoint="builtin", out=out, language={language: 1.0}, **options)
    assert summary["status"] in (0, 1)
    found = stored(out)
    assert len({dialogue.id for dialogue in found}) == len(found) >= 0.97 * n
    return found


def stored(out: Path) -> list[Dialogue]:
    """What a run folder holds, by id: the order in which dialogues end is no part of a plan."""
    return sorted((decode(orjson.loads(line)) for line in (out / "dialogues.jsonl").open("rb")), key=lambda d: d.id)


def assert_whole(dialogues: list[Dialogue], name: str) -> None:
    """Roles alternate, rounds are in range, each turn has its plan, nobody speaks as the other, no guide is kept."""
    sector = load(PROMPTS, name)
    low, high = map(int, sector.rounds.split("-"))
    for dialogue in dialogues:
        said = dialogue.messages
        assert [message.role for message in said] == ["user", "assistant"] * (len(said) // 2)
        assert low <= len(said) // 2 <= high
        assert len(listed(dialogue)) == len(said) // 2 - 1
        assert dialogue.seed.topic
        assert dialogue.seed.persona
        for place in range(2, len(said), 2):
            fault = user_fault(said[place].content, said[:place], act=None, language=None, waived=sector.waived)
            assert fault is None or fault.check not in ("assistant_start", "help_desk", "shape", "refusal"), fault
    assert {dialogue.seed.kind for dialogue in dialogues} == set(sector.shares)


def acts(dialogues: list[Dialogue]) -> Counter[str]:
    """What the users' turns were asked to do."""
    rows = [row for dialogue in dialogues for row in listed(dialogue)]
    return Counter(str(row["act"]) for row in rows)


def listed(dialogue: Dialogue) -> list[dict[str, Any]]:
    """The plans of its turns, as the seed has them."""
    found = dialogue.seed.extra["acts"]
    assert isinstance(found, list)
    return [row for row in found if isinstance(row, dict)]


def counted(dialogues: list[Dialogue]) -> dict[str, tuple[str, ...]]:
    """What was said, by id."""
    return {dialogue.id: tuple(message.content for message in dialogue.messages) for dialogue in dialogues}
