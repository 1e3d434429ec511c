"""Every sector there is: whole dialogues on the embedded endpoint, and a section in the docs."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest
from page_files import page

from dialogue.records import Dialogue
from gen.api import dialogues, plan, run
from prompts.loader import Prompts
from prompts.sector import load, names

DOCS = (Path(__file__).parents[2] / "docs" / "sectors.md").read_text(encoding="utf-8")
N = 60
PROMPTS = Prompts()
TOKENS = ("prompt_tokens", "completion_tokens")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Material for the sectors that need some: passages, seeds, dialogues."""
    folder = tmp_path_factory.mktemp("given")
    passages = [
        {"id": f"p{n}", "text": f"Text {n}. The mill at weir {n} was built in {1700 + n}. It ground oats."}
        for n in range(N)
    ]
    (folder / "passages.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in passages))
    things = ("wool", "salt", "silk", "tea", "tin")
    seeds = [
        f"What should one know about the {thing} trade in year {year}?"
        for year in range(1700, 1700 + N)
        for thing in things
    ]
    (folder / "seeds.txt").write_text("\n".join(seeds) + "\n")
    run(sector="world-questions", n=N + 20, endpoint="builtin", out=folder / "run")
    taken = dict.fromkeys(("continue", "reanswer", "preference"), folder / "run")
    brought = {"materials": folder / "passages.jsonl", "self-chat": folder / "seeds.txt", "domain": page(folder)}
    return {**brought, **taken}


def faults(dialogue: Dialogue) -> Iterator[str]:
    """What is wrong with the structure of a dialogue."""
    spoken = [message for message in dialogue.messages if message.role in ("user", "assistant")]
    if not spoken or spoken[0].role != "user" or spoken[-1].role != "assistant":
        yield "does not go from a question to an answer"
    if any(one.role == other.role and not one.tool_calls for one, other in pairwise(spoken)):
        yield "one side speaks twice"
    if any(not message.content.strip() and not message.tool_calls for message in spoken):
        yield "an empty turn"
    if not dialogue.seed.kind or not dialogue.seed.language or dialogue.stop is None:
        yield "a seed without kind or language, or no reason for its end"


WAYS = [(name, shares) for name in names(PROMPTS) for shares in load(PROMPTS, name).share_presets or (None,)]


@pytest.mark.parametrize(("name", "shares"), WAYS)
def test_a_sector_makes_whole_dialogues(name: str, shares: str | None, given: dict[str, Path], tmp_path: Path) -> None:
    summary = run(sector=name, shares=shares, n=N, endpoint="builtin", out=tmp_path / "run", input=given.get(name))
    found = list(dialogues(tmp_path / "run"))
    assert summary["status"] in (0, 1)
    assert summary["stopped"] is None
    assert len(found) >= 0.7 * N  # of school-math a fifth is kept apart: the endpoint plants wrong answers
    assert {dialogue.sector for dialogue in found} == {name}
    assert len({dialogue.id for dialogue in found}) == len(found)
    assert [fault for dialogue in found for fault in faults(dialogue)] == []
    if shares != "belle":  # BM25 refuses much of what is put together from word lists, so that more lists are asked for
        assert_planned(name, shares, given.get(name), summary)


def assert_planned(name: str, shares: str | None, file: Path | None, summary: dict[str, Any]) -> None:
    """The plan counts answers as a model gives them, two to five times as long as those of the embedded endpoint."""
    planned = plan(sector=name, shares=shares, n=N, endpoint="builtin", input=file)
    spent = [sum(role[what] or 0 for role in summary["meter"]["roles"].values()) for what in ("requests", *TOKENS)]
    assert planned.requests / spent[0] == pytest.approx(1, abs=0.25)
    assert 1 / 1.6 < planned.prompt_tokens / spent[1] < 1.6
    assert 1 / 5 < planned.completion_tokens / spent[2] < 5


@pytest.mark.parametrize("name", names(PROMPTS))
def test_a_sector_is_told_of(name: str) -> None:
    section = DOCS.split(f"\n## `{name}`\n")[1].split("\n## ")[0]
    assert load(PROMPTS, name).title
    assert section.count("user:") >= 3 or section.count("**user:**") >= 3, "three samples"
