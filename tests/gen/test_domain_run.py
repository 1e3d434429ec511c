"""The sector domain, played offline: on a page of the user's, asked before advised, resumed, and its mistakes told."""

import asyncio
from collections import Counter
from pathlib import Path

import orjson
import pytest
from material_files import killed_and_run_again
from page_files import faq, page
from sector_runs import assert_whole, listed, play, stored

from dialogue.consulting import consultation
from dialogue.records import Dialogue
from evaluator.corpus.planned import law_of
from gen.api import evaluate, plan, run, stats
from gen.config import run_settings
from gen.main import main
from generator.progress import Progress
from generator.run import Run
from generator.setting_up import set_up
from prompts.domain import page as read

N = 200


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return page(tmp_path_factory.mktemp("page"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("domain") / "run"


@pytest.fixture(scope="module")
def played(folder: Path, files: Path) -> list[Dialogue]:
    return play("domain", N, folder, input=files)


def test_dialogues_are_whole_and_of_all_three_kinds(played: list[Dialogue]) -> None:
    assert_whole(played, "domain")
    kinds = Counter(dialogue.seed.kind for dialogue in played)
    assert abs(kinds["grounded"] / len(played) - 0.75) <= 0.03
    assert abs(kinds["declined"] / len(played) - 0.15) <= 0.03


def test_seeds_name_their_sources_and_the_client(played: list[Dialogue], files: Path) -> None:
    found = read(files)
    ids = {one.id for one in found.sources}
    for dialogue in played:
        sources = dialogue.seed.extra["sources"]
        assert isinstance(sources, list)
        assert 1 <= len(sources) <= 3
        assert set(sources) <= ids
        if dialogue.seed.kind != "declined":
            assert dialogue.seed.material == sources[0]
        assert dialogue.seed.persona in {client.who for client in found.clients}
        assert (dialogue.seed.extra.get("expected") == "refusal") == (dialogue.seed.kind == "declined")
    assert len({dialogue.seed.material for dialogue in played if dialogue.seed.material}) == 8


def test_clients_hold_facts_back_and_tell_them_when_they_are_asked(played: list[Dialogue]) -> None:
    counts = [found for dialogue in played if (found := consultation(dialogue)) and found.due]
    assert len(counts) >= 0.7 * N
    assert sum(found.asked_first for found in counts) >= 0.9 * len(counts)
    assert any(not found.asked_first for found in counts), "the endpoint plants some that advise at once"
    asked = [row for dialogue in played for row in listed(dialogue) if row["act"] == "answer"]
    assert sum("release" in row for row in asked) >= 0.6 * len(asked)
    told = {str(row["release"]) for dialogue in played for row in listed(dialogue) if row.get("release")}
    assert {text.rsplit(" ", 1)[-1] for text in told} == {"clay", "sand", "chalk", "day", "morning", "tub", "bucket"}
    assert not any("value" in row for dialogue in played for row in listed(dialogue)), "told in words of one's own"


def test_no_source_and_no_guide_stands_in_a_user_message_or_a_system_message(played: list[Dialogue]) -> None:
    for dialogue in played:
        assert all(message.role in ("user", "assistant") for message in dialogue.messages)
        assert not any("[q" in message.content for message in dialogue.messages)


def test_a_larger_n_extends_and_the_ids_stay(tmp_path: Path, files: Path, played: list[Dialogue]) -> None:
    run(sector="domain", n=40, input=files, endpoint="builtin", out=tmp_path / "run")
    few = {dialogue.id for dialogue in stored(tmp_path / "run")}
    assert few <= {dialogue.id for dialogue in played}
    run(sector="domain", n=60, input=files, endpoint="builtin", out=tmp_path / "run")
    assert few < {dialogue.id for dialogue in stored(tmp_path / "run")}


def test_a_killed_run_ends_as_one_that_was_not(tmp_path: Path, files: Path) -> None:
    whole = play("domain", 60, tmp_path / "whole", input=files)
    asked = ("--sector", "domain", "--n", "60", "--input", str(files))
    ended = stored(killed_and_run_again(tmp_path, "openers.jsonl", 25, *asked))
    assert [(one.id, one.messages, one.seed) for one in ended] == [(one.id, one.messages, one.seed) for one in whole]


def test_other_knowledge_or_another_page_in_the_same_folder_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = page(tmp_path)
    asked = ["run", "--sector", "domain", "--n", "5", "--endpoint", "builtin", "--out", str(tmp_path / "run")]
    assert main([*asked, "--input", str(path)]) == 0
    assert main([*asked, "--input", str(path)]) == 0
    (tmp_path / "faq.jsonl").write_bytes(faq(7))
    assert main([*asked, "--input", str(path)]) == 2
    assert "knowledge" in capsys.readouterr().err
    (tmp_path / "faq.jsonl").write_bytes(faq())
    page(tmp_path, refer="the counter")
    assert main([*asked, "--input", str(path)]) == 2
    assert "page.refer was null, is now" in capsys.readouterr().err
    page(tmp_path)
    path.write_text(f"# a comment\n{path.read_text()}")
    assert main([*asked, "--input", str(path)]) == 0, "what it says is the same"


def test_what_changes_in_the_files_while_a_run_goes_on_is_not_seen_by_it(tmp_path: Path) -> None:
    path = page(tmp_path)
    settings = run_settings({"sector": "domain", "n": "40", "endpoint": "builtin", "out": str(tmp_path / "run"),
                             "input": str(path)})  # fmt: skip
    setup = set_up(settings, lambda text: None)
    path.write_text("torn")
    (tmp_path / "faq.jsonl").write_text("{")
    asyncio.run(Run(setup, Progress()).work())
    assert setup.folder.done_count == 40
    asyncio.run(setup.close())


def test_sources_are_named_where_the_page_wants_it(tmp_path: Path) -> None:
    dialogues = play("domain", 60, tmp_path / "run", input=page(tmp_path, cite=True))
    grounded = [dialogue for dialogue in dialogues if dialogue.seed.kind == "grounded"]
    counts = [found for dialogue in grounded if (found := consultation(dialogue))]
    assert all(found.cites and not found.strange for found in counts)
    assert sum(bool(found.cited) for found in counts) >= 0.9 * sum(found.advised is not None for found in counts)


def test_the_record_keeps_what_the_assistant_was_told_where_the_page_wants_it(tmp_path: Path) -> None:
    path = page(tmp_path, keep_notes=True)
    (tmp_path / "system.txt").write_text("Speak softly.\n")
    run(sector="domain", n=12, input=path, endpoint="builtin", out=tmp_path / "run", system=tmp_path / "system.txt")
    for dialogue in stored(tmp_path / "run"):
        system = dialogue.messages[0]
        assert system.role == "system"
        assert system.content.startswith("Speak softly.\n\nYou are the assistant of a garden centre.")
        sources = dialogue.seed.extra["sources"]
        assert isinstance(sources, list)
        assert all(f"[{id}]\n" in system.content for id in sources)


def test_a_page_without_facts_takes_those_of_any_client(tmp_path: Path) -> None:
    plain = page(tmp_path, ask=None, clients=["somebody with a first garden"])
    dialogues = play("domain", 60, tmp_path / "run", input=plain)
    counts = [found for dialogue in dialogues if (found := consultation(dialogue)) and found.due]
    assert counts
    assert sum(found.asked_first for found in counts) >= 0.85 * len(counts)


def test_a_page_in_a_language_that_no_dialogue_has_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chinese = page(tmp_path, assistant="一家花店的助手", clients=["刚开始种花的人", "一位退休老师"], ask=None)
    asked = ["run", "--sector", "domain", "--n", "2", "--endpoint", "builtin", "--input", str(chinese), "--out"]
    assert main([*asked, str(tmp_path / "en")]) == 0
    assert "is written in zh, and dialogues will be in en; --language zh has them" in capsys.readouterr().err
    assert main([*asked, str(tmp_path / "zh"), "--language", "zh"]) == 0
    assert "is written in" not in capsys.readouterr().err


def test_dialogues_taken_up_without_their_sources_are_told(
    folder: Path, played: list[Dialogue], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["run", "--sector", "continue", "--n", "3", "--endpoint", "builtin", "--out", str(tmp_path / "run")]
    assert main([*asked, "--input", str(folder)]) == 0
    assert f"{len(played)} dialogues are those of a field's assistant whose page" in capsys.readouterr().err


@pytest.mark.parametrize("language", ["zh", "zh-TW"])
def test_other_languages_have_their_own_words(tmp_path: Path, files: Path, language: str) -> None:
    dialogues = play("domain", 40, tmp_path / "run", language, input=files)
    assert_whole(dialogues, "domain")
    counts = [found for dialogue in dialogues if (found := consultation(dialogue)) and found.due]
    assert sum(found.asked_first for found in counts) >= 0.85 * len(counts)


def test_stats_and_an_evaluation_count_who_asks_first(folder: Path, played: list[Dialogue], tmp_path: Path) -> None:
    figure = stats(folder)["content"]["asked_first"]
    counts = [found for dialogue in played if (found := consultation(dialogue)) and found.due]
    assert figure["value"] == pytest.approx(100 * sum(found.asked_first for found in counts) / len(counts))
    report = evaluate(models=["builtin"], benchmarks=[str(folder)], protocols="dialogue", out=tmp_path / "eval")
    assert "asks_first" in orjson.dumps(report).decode()
    assert stats(folder)["content"]["came_to_advice"]["value"] > 80
    assert law_of("domain") is None, "a client's acts follow what is asked, and are held against no shares"


def test_a_plan_counts_the_sources_that_each_request_shows(files: Path, tmp_path: Path) -> None:
    short = plan(sector="domain", n=60, input=files, endpoint="builtin")
    long = {"faq.jsonl": faq().replace(b"Feed them in March.", b"Feed them in March, in small cups. " * 20)}
    more = plan(sector="domain", n=60, input=page(tmp_path, long), endpoint="builtin")
    side = "assistant"
    assert more.by_role[side]["prompt_tokens"] > 1.3 * short.by_role[side]["prompt_tokens"]
    assert "You are the assistant of a garden centre." in short.prompts["assistant"]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "--input is missing: domain needs a page about your assistant"),
        (["--input", "{files}/faq.jsonl"], "expected a page about your assistant, a TOML file"),
        (["--input", "{files}"], "expected a page about your assistant, a TOML file"),
        (["--input", "{files}/none.toml"], "none.toml: No such file"),
        (["--openers", "{files}/faq.jsonl"], "openers of domain grow from what its assistant knows"),
        (["--input", "{files}/page.toml", "--n", "100000"], "at most"),
        (["--input", "{files}/page.toml", "--language", "fr"], "builtin endpoint writes"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_asked(
    tmp_path: Path, files: Path, options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    asked = [option.format(files=files.parent) for option in options]
    assert main(["run", "--sector", "domain", "--n", "5", "--endpoint", "builtin", "--out", str(out), *asked]) == 2
    assert complaint in capsys.readouterr().err
    assert not out.exists()


def test_the_shipped_example_shows_every_prompt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sectors", "show", "domain", "--language", "zh"]) == 0
    text = capsys.readouterr().out
    assert "Wheelwright's" in text
    assert "先弄清情况，再给建议。" in text
    assert "asked again, below the system message: strange_source" in text
    card = text.split("=== user simulator, system ===")[1].split("===")[0]
    assert "Chain" not in card or "gauge" not in card, "the client's card holds no source"
