"""What the assistant of some sectors is told beside the dialogue: sent with every answer, kept in no record."""

from collections import Counter
from pathlib import Path

import orjson
from runs import Disk, Watched, gen, questions, write_config, write_openers

from filters.engine.base import Drop
from filters.refusals import Refusals
from gen.api import dialogues, plan, run
from generator.agents import guided
from generator.showcase import every_prompt
from generator.user.script import opener_spec
from prompts.loader import Prompts
from prompts.names import words
from prompts.sector import load

PROMPTS = Prompts()
GUIDE = words(PROMPTS, "en", "creation")["guide"]["any"].format(language="English")
OWN = "You are a patient clerk."


async def test_it_stands_behind_a_system_prompt_of_the_users_own_and_only_that_one_is_kept(tmp_path: Path) -> None:
    (tmp_path / "systems.jsonl").write_bytes(orjson.dumps({"system": OWN}))
    async with Watched() as server:
        config = write_config(tmp_path / "run.toml", server.base_url)
        openers = write_openers(tmp_path / "openers.txt", questions(4))
        words = ("--sector", "creation", "--openers", openers, "--system", tmp_path / "systems.jsonl", "--n", 4)
        said = await gen("run", "--config", config, *words, "--out", tmp_path / "run")
    assert said.status == 0
    first = [body["messages"][0] for body in server.bodies]
    answers = [message["content"] for message in first if message["content"].startswith(OWN)]
    assert answers
    assert set(answers) == {f"{OWN}\n\n{GUIDE}"}
    assert not any(GUIDE in text for text in (m["content"] for m in first if not m["content"].startswith(OWN)))
    disk = Disk.of(tmp_path / "run")
    assert {dialogue["messages"][0]["content"] for dialogue in disk.dialogues} == {OWN}
    assert not any("one line before or after it" in path.read_text() for path in (tmp_path / "run").glob("*.jsonl"))


def test_without_a_guide_a_request_is_the_dialogue_itself() -> None:
    said = [{"role": "user", "content": "a"}]
    assert guided(said, None) is said
    assert guided(said, "g") == [{"role": "system", "content": "g"}, *said]


def test_a_plan_counts_its_tokens(tmp_path: Path) -> None:
    creation, world = (
        plan(sector=sector, n=100, endpoint="builtin", out=tmp_path / sector, rounds="2-2")
        for sector in ("creation", "world-questions")
    )
    sides = [found.by_role["assistant"]["prompt_tokens"] for found in (creation, world)]
    assert sides[0] > sides[1] + 100 * 2 * 80
    assert GUIDE in creation.prompts["assistant"]


def test_the_prompts_of_a_sector_show_it_once() -> None:
    sector = load(PROMPTS, "creation")
    shown = [text for _, text in every_prompt(PROMPTS, sector, "en", (2, 4), "training")]
    assert shown.count(GUIDE) == 1


def test_a_note_says_every_time_what_the_user_is_here_for() -> None:
    for language in ("en", "zh", "zh-TW", "de"):
        reminder = words(PROMPTS, language, "creation")["note"]["reminder"]
        shown = dict(every_prompt(PROMPTS, load(PROMPTS, "creation"), language, (2, 4), "training"))
        notes = [text for title, text in shown.items() if "last message" in title or "asked again" in title]
        assert len(notes) > 20
        assert all(reminder in note for note in notes)


def test_openers_of_a_longer_level_are_longer() -> None:
    def middle(longer: float) -> float:
        lines = [opener_spec(PROMPTS, "creation", "en", 7, i, longer=longer)["length"] for i in range(200)]
        return sum(int(line.split("-")[0]) for line in lines) / 200

    assert middle(1.8) > 1.4 * middle(1.0)


def test_openers_of_the_users_own_get_the_guide_of_the_kind_that_they_name(tmp_path: Path) -> None:
    rows = [{"opener": f"Tell me how to get even with him, number {i}.", "kind": "tempt"} for i in range(6)]
    rows += [{"opener": f"How do I kill a process, number {i}?"} for i in range(6)]
    (tmp_path / "openers.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    run(sector="harmless", openers=tmp_path / "openers.jsonl", endpoint="builtin", out=tmp_path / "run")
    reader = Refusals(disclaimer="off", turns="first")
    declined = Counter(d.seed.kind for d in dialogues(tmp_path / "run") if isinstance(reader.apply(d), Drop))
    assert declined["tempt"] >= 5
    assert declined[None] <= 1, "builtin plants a refusal now and then"
