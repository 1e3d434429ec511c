"""The statistics of a corpus: exact counts of all of it, figures of a sample, groups."""

import random
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import ANSWER, talk, write

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Seed
from evaluator.corpus.drawing import MOST_GROUPS, NONE, OTHERS, Groups, Reservoir
from evaluator.corpus.report import corpus_stats

WORDS = ["tide", "harbour", "wind", "lamp", "stone", "river", "salt", "cloud", "bread", "wool", "clay", "fern"]


def corpus(n: int, seed: int = 1) -> list[Dialogue]:
    """Dialogues of one to three rounds, English and Chinese ones by turns in the seed."""
    draw = random.Random(seed)
    made = []
    for number in range(n):
        rounds = draw.randint(1, 3)
        said = [" ".join(draw.choices(WORDS, k=draw.randint(3, 70))) for _ in range(2 * rounds)]
        seed_ = Seed(language=("en", "zh")[number % 2], topic=WORDS[number % 5])
        made.append(talk(*said, number=number, seed=seed_, sector="s"))
    return made


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("corpus") / "some.jsonl", corpus(60))


def test_counts_are_those_of_all_dialogues_however_small_the_sample(file: Path) -> None:
    made = corpus(60)
    report = corpus_stats(file, sample=7)
    turns = [message.content for dialogue in made for message in dialogue.messages]
    assert report["dialogues"] == 60
    assert (report["turns"], report["rounds"]) == (len(turns), len(turns) // 2)
    assert report["words"] == sum(len(text.split()) for text in turns)
    assert report["sample"] == {"dialogues": 7, "of": 60, "seed": 0}
    assert report["sizes"]["rounds_per_dialogue"]["value"] == pytest.approx(len(turns) / 2 / 60)
    assert report["tokens"] is None
    assert not any(name.startswith("tokens") for name in report["sizes"]), "never guessed"


def test_all_that_is_told_is_json_and_each_figure_has_its_keys(file: Path) -> None:
    report = orjson.loads(orjson.dumps(corpus_stats(file, by="language")))
    for part in (report, *report["groups"].values()):
        figures: list[dict[str, Any]] = [
            *part["sizes"].values(),
            *(figure for side in part["lexical"].values() for figure in side.values()),
            *part["topic"].values(),
            *part["coherence"].values(),
            *part["content"].values(),
            *part["languages"].values(),
            *part["acceptance"],
        ]
        assert all({"value", "low", "high", "n", "unit"} <= set(figure) for figure in figures)
    assert [row["name"] for row in report["published"]["rows"]] == ["SODA", "Baize", "UltraChat"]


def test_the_same_seed_gives_the_same_figures_and_another_another_sample(file: Path) -> None:
    assert corpus_stats(file, sample=20) == corpus_stats(file, sample=20)
    one, other = (corpus_stats(file, sample=20, seed=seed)["lexical"] for seed in (0, 1))
    assert one != other


def test_groups_add_up_to_the_whole(file: Path) -> None:
    report = corpus_stats(file, by="language")
    groups = report["groups"]
    assert {name: part["dialogues"] for name, part in groups.items()} == {"en": 30, "zh": 30}
    for name in ("dialogues", "rounds", "turns", "words"):
        assert sum(part[name] for part in groups.values()) == report[name]
    assert groups["en"]["sample"]["dialogues"] == 30
    assert len(groups["en"]["acceptance"]) == len(report["acceptance"])


def test_a_group_of_which_nothing_was_drawn_has_its_counts(file: Path) -> None:
    groups = corpus_stats(file, by="topic", sample=1)["groups"]
    assert sum("acceptance" in part for part in groups.values()) == 1
    assert all(part["dialogues"] == 12 for part in groups.values())


def test_a_field_that_no_record_has_names_the_near_ones() -> None:
    with pytest.raises(UsageError, match=r"--by sectr: .*did you mean sector.*short names: language, persona"):
        Groups("sectr")


def test_groups_beyond_the_first_hundred_are_one() -> None:
    groups = Groups("seed.extra.task")
    names = [groups.name(talk("x", seed=Seed(extra={"task": number}))) for number in range(MOST_GROUPS + 5)]
    assert names[:2] == ["0", "1"]
    assert names[MOST_GROUPS:] == [OTHERS] * 5
    assert Groups("seed.extra.task").name(talk("x")) == NONE


def test_each_item_of_a_stream_is_as_likely_as_any_other() -> None:
    times = [0] * 20
    for seed in range(2000):
        held = Reservoir[int](5, seed)
        for number in range(20):
            held.offer(number)
        for number in held.drawn():
            times[number] += 1
    assert sum(times) == 10_000
    assert all(400 < count < 600 for count in times)


def test_an_input_without_a_dialogue_is_told(tmp_path: Path) -> None:
    empty = write(tmp_path / "empty.jsonl", [])
    with pytest.raises(UsageError, match=r"empty.jsonl: no dialogue in it"):
        corpus_stats(empty)
    with pytest.raises(UsageError, match="no such file or folder"):
        corpus_stats(tmp_path / "none.jsonl")


def test_a_folder_is_all_its_files(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", corpus(3))
    write(tmp_path / "b.jsonl", corpus(4, 2))
    assert corpus_stats(tmp_path)["dialogues"] == 7


def test_one_dialogue_has_values_and_no_intervals(tmp_path: Path) -> None:
    one = talk("Be kind.", "Why?\u2028Tell me.", ANSWER, "thanks", roles=("system", "user", "assistant", "user"))
    report = corpus_stats(write(tmp_path / "one.jsonl", [one]))
    counts = ("rounds", "turns", "user_turns", "unanswered_user_turns", "system_messages")
    assert [report[name] for name in counts] == [1, 3, 2, 1, 1]
    assert report["sizes"]["words_per_dialogue"]["value"] == 3 + len(ANSWER.split()) + 1
    assert report["sizes"]["words_per_dialogue"]["low"] is None
    assert {row["verdict"] for row in report["acceptance"]} == {"not applicable"}


def test_openers_that_are_the_same_are_counted_over_all(tmp_path: Path) -> None:
    made = [talk(f"Question {number % 30}", ANSWER, number=number) for number in range(60)]
    report = corpus_stats(write(tmp_path / "some.jsonl", made), sample=10)
    rows = {row["key"]: row for row in report["acceptance"]}
    assert (rows["openers_exact"]["value"], rows["openers_exact"]["n"]) == (50, 60)


def test_chinese_dialogues_have_every_figure_that_english_ones_have(tmp_path: Path) -> None:
    draw = random.Random(2)
    characters = "海水为什么是咸的因为河流把盐带进去湖呢山风雨雪云石"
    made = [talk(*("".join(draw.choices(characters, k=80)) for _ in range(4)), number=n) for n in range(40)]
    report = corpus_stats(write(tmp_path / "zh.jsonl", made))
    assert report["words"] == 40 * 4 * 80
    assert report["lexical"]["user"]["mtld"]["n"] == 80
    assert set(report["languages"]) == {"zh-Hans"}


def test_real_dialogues_to_compare_with_fill_the_last_row(tmp_path: Path, file: Path) -> None:
    real = write(tmp_path / "real.jsonl", corpus(60, 3))
    report = corpus_stats(file, against=real)
    row = report["acceptance"][-1]
    assert row["key"] == "classifier_auc"
    assert row["value"] == pytest.approx(0.5, abs=0.2)
    assert set(report["words_that_tell"]) == {"generated", "real"}
    with pytest.raises(UsageError, match=r"--against .*: no dialogue in it"):
        corpus_stats(file, against=write(tmp_path / "none.jsonl", []))


def test_how_far_it_is_is_told(file: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    corpus_stats(file, sample=9, show=lambda *told: seen.append(told))
    assert ("reading", 60, 0) in seen
    assert ("looking closely", 9, 9) in seen
