"""What belongs to one sector of a mixture: files by `--input NAME=FILE`, everything by [run.sectors.NAME]."""

from collections import Counter
from pathlib import Path

import orjson
import pytest
from material_files import killed_and_run_again, passages, seeds
from test_wrong_usage import refused

from dialogue.reading import read
from gen.api import run
from gen.main import main

RUN = ("run", "--endpoint", "builtin", "--out", "mix")
BOTH = ("--sector", "materials:2,self-chat:1", "--n", "6")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with passages, seeds and openers; a file's name may hold the sign that parts it from its sector."""
    monkeypatch.chdir(tmp_path)
    passages(Path("passages.jsonl"), 30)
    seeds(Path("a=b.txt"), 30)
    Path("openers.txt").write_text("".join(f"Why is rock number {number} so heavy?\n" for number in range(9)))


def sectors(folder: str = "mix") -> Counter[str | None]:
    return Counter(dialogue.sector for dialogue in read(Path(folder)))


def settings(part: str) -> dict[str, object]:
    found: dict[str, object] = orjson.loads((Path("mix") / part / "run.json").read_bytes())["settings"]
    return found


def config(text: str) -> str:
    Path("p.toml").write_text('[run]\nendpoint = "builtin"\nout = "mix"\nn = 6\n' + text)
    return "p.toml"


def test_sectors_that_need_files_are_mixed_and_go_on_with_more() -> None:
    files = ("--input", "materials=passages.jsonl", "--input", "self-chat=a=b.txt")
    assert main([*RUN, *BOTH, *files]) in (0, 1)
    assert sectors() == {"materials": 4, "self-chat": 2}
    before = Path("mix/materials/dialogues.jsonl").read_bytes()
    assert main([*RUN, *BOTH[:2], "--n", "9", *files]) in (0, 1)
    assert sectors() == {"materials": 6, "self-chat": 3}
    assert Path("mix/materials/dialogues.jsonl").read_bytes().startswith(before)
    assert {dialogue.seed.material for dialogue in read(Path("mix/materials"))} <= {f"p{n}" for n in range(30)} | {None}


def test_a_mixture_with_files_that_was_killed_goes_on(tmp_path: Path) -> None:
    words = ("--sector", "world-questions:1,materials:1", "--n", "12", "--input", "materials=passages.jsonl")
    out = killed_and_run_again(tmp_path, "world-questions/journal.jsonl", 4, *words)
    assert sectors(str(out)) == {"materials": 6, "world-questions": 6}


def test_another_file_for_the_second_sector_is_refused_before_the_first_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = (*RUN, "--sector", "recall:1,materials:1")
    assert main([*words, "--n", "4", "--input", "materials=passages.jsonl"]) in (0, 1)
    capsys.readouterr()
    before = Path("mix/recall/journal.jsonl").read_bytes()
    assert "materials: mix/materials: holds a run with other settings: input" in refused(
        capsys, *words, "--n", "8", "--input", "materials=a=b.txt"
    )
    assert Path("mix/recall/journal.jsonl").read_bytes() == before


def test_the_toml_has_a_table_for_what_is_one_sectors_own() -> None:
    Path("system.txt").write_text("Answer as a geologist.\n")
    tables = """
[run.sector]
materials = 1
world-questions = 1
self-chat = 1
[run.sectors.materials]
input = "passages.jsonl"
rounds = "2-2"
language = "zh"
[run.sectors.self-chat]
input = "a=b.txt"
shares = "turns"
preset = "even"
[run.sectors.world-questions]
openers = "openers.txt"
system = "system.txt"
"""
    assert main(["run", "--config", config(tables)]) in (0, 1)
    assert sectors() == {"materials": 2, "self-chat": 2, "world-questions": 2}
    assert (settings("materials")["rounds"], settings("materials")["language"]) == ("2-2", {"zh": 1.0})
    assert (settings("self-chat")["shares"], settings("self-chat")["preset"]) == ("turns", "even")
    assert settings("self-chat")["language"] == {"en": 1.0}
    asked = [dialogue.messages for dialogue in read(Path("mix/world-questions"))]
    assert all(one[0].content == "Answer as a geologist." and "rock number" in one[1].content for one in asked)


def test_a_flag_wins_over_a_table_and_a_table_over_run() -> None:
    tables = 'rounds = "4-4"\n[run.sectors.materials]\ninput = "nowhere.jsonl"\nrounds = "3-3"\n'
    words = ("run", "--config", config(tables), "--sector", "materials,recall")
    assert main([*words, "--input", "materials=passages.jsonl"]) in (0, 1)
    assert (settings("materials")["rounds"], settings("recall")["rounds"]) == ("3-3", "4-4")
    assert main([*words, "--input", "materials=passages.jsonl", "--rounds", "2-2", "--out", "other"]) in (0, 1)
    other = [orjson.loads(file.read_bytes())["settings"]["rounds"] for file in Path("other").glob("*/run.json")]
    assert other == ["2-2", "2-2"]


def test_one_sector_takes_its_table_and_its_file_with_or_without_its_name() -> None:
    tables = '[run.sectors.materials]\ninput = "nowhere.jsonl"\nrounds = "2-2"\n[run.sectors.recall]\nrounds = "3-3"\n'
    words = ("run", "--config", config(tables), "--n", "2")
    assert main([*words, "--sector", "materials", "--input", "materials=passages.jsonl", "--out", "mix/m"]) in (0, 1)
    assert settings("m")["rounds"] == "2-2"
    assert main([*words, "--sector", "recall", "--out", "mix/r"]) == 0
    assert settings("r")["rounds"] == "3-3"
    assert main([*RUN[:3], "--sector", "self-chat", "--n", "2", "--input", "a=b.txt", "--out", "mix/s"]) == 0
    assert main(["plan", "--endpoint", "builtin", "--sector", "recall", "--openers", "openers.txt"]) == 0


def test_the_same_from_python() -> None:
    summary = run(
        sector="materials:1,self-chat:1,world-questions:1",
        n=6,
        endpoint="builtin",
        out="mix",
        input={"materials": "passages.jsonl", "self-chat": Path("a=b.txt")},
        openers=["world-questions=openers.txt"],
        sectors={"materials": {"rounds": "2-2"}},
    )
    assert summary["status"] in (0, 1)
    assert sectors() == {"materials": 2, "self-chat": 2, "world-questions": 2}
    assert settings("materials")["rounds"] == "2-2"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--input", "passages.jsonl"), "say whose it is, as --input materials=passages.jsonl"),
        (("--input", "a=b.txt"), "say whose it is, as --input materials=a=b.txt"),
        (("--openers", "openers.txt"), "say whose it is, as --openers materials=openers.txt"),
        (("--input", "material=passages.jsonl"), "did you mean materials?"),
        (("--openers", "recall=openers.txt"), "recall is no sector of this mixture"),
        (("--input", "materials="), "expected a file"),
        (("--input", "materials=passages.jsonl", "--input", "materials=a=b.txt"), "one file a sector"),
        (("--input", "materials=passages.jsonl"), "self-chat: --input self-chat=FILE is missing"),
        (("--input", "self-chat=a=b.txt"), "materials: --input materials=FILE is missing"),
        (("--input", "materials=passages.jsonl", "--input", "self-chat=nowhere.txt"), "self-chat: --input nowhere.txt"),
        (
            ("--input", "materials=passages.jsonl", "--input", "self-chat=a=b.txt", "--openers", "self-chat=a=b.txt"),
            "self-chat: --openers and --input",
        ),
    ],
)
def test_a_file_that_is_nobodys_or_missing_is_one_line(
    capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], said: str
) -> None:
    assert said in refused(capsys, *RUN, *BOTH, *argv)
    assert said in refused(capsys, "plan", "--endpoint", "builtin", *BOTH, *argv)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '[run.sectors.material]\ninput = "passages.jsonl"\n',
            "[run.sectors.material]: no sector of this mixture",
        ),
        ('[run.sectors.materials]\nimput = "passages.jsonl"\n', "unknown key 'imput'; did you mean input"),
        ('[run.sectors.materials]\nrounds = "many"\n', "materials: [run.sectors] rounds = many: expected A-B"),
        ('[run.sectors]\nmaterials = "passages.jsonl"\n', "[run.sectors.materials]: expected a table"),
        ('input = "passages.jsonl"\n', "[run] input with several sectors"),
        ('input = { materials = "passages.jsonl" }\n', "in a table [run.sectors.materials]"),
        ('sectors = "materials"\n', "expected a table for each sector"),
    ],
)
def test_a_wrong_table_is_one_line(capsys: pytest.CaptureFixture[str], text: str, said: str) -> None:
    assert said in refused(capsys, "run", "--config", config(text), "--sector", "materials:2,self-chat:1")


@pytest.mark.parametrize(
    "text",
    [
        '[run.sectors.recal]\nrounds = "3-3"\n',
        "rouns = 3\n",
        '[roles]\nasistant = "builtin"\n',
        '[endpoint.a]\nbase_url = "localhost"\n',
    ],
)
def test_what_is_wrong_with_the_toml_itself_is_no_sectors_fault(capsys: pytest.CaptureFixture[str], text: str) -> None:
    said = refused(capsys, "run", "--config", config(text), "--sector", "world-questions,recall")
    assert said.startswith("gen run: p.toml: [")


def test_tables_of_the_tomls_own_mixture_do_not_disturb_another_one() -> None:
    tables = '[run.sector]\nmaterials = 1\nrecall = 1\n[run.sectors.materials]\ninput = "passages.jsonl"\n'
    words = ("--sector", "recall,world-questions", "--n", "2")
    assert main(["run", "--config", config(tables), *words]) == 0
    assert sectors() == {"recall": 1, "world-questions": 1}


def test_for_one_sector_only_what_is_no_sector_at_all_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    text = '[run.sectors.reacll]\nrounds = "3-3"\n'
    assert "no such sector; did you mean recall?" in refused(
        capsys, "run", "--config", config(text), "--sector", "recall"
    )
    twice = ("--input", "passages.jsonl", "--input", "a=b.txt")
    assert "expected one file" in refused(capsys, *RUN, "--sector", "materials", "--n", "2", *twice)


def test_a_sector_that_takes_dialogues_up_takes_those_of_a_whole_mixture(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--endpoint", "builtin", "--sector", "recall,creation", "--n", "6", "--out", "first"]) in (0, 1)
    words = (*RUN, "--sector", "preference:2,reanswer:1", "--input", "preference=first", "--input", "reanswer=first")
    assert main([*words, "--n", "3"]) in (0, 1)
    assert sectors() == {"preference": 2, "reanswer": 1}
    assert main([*words, "--n", "3"]) in (0, 1), "the same input goes on"
    assert main(["run", "--endpoint", "builtin", "--sector", "recall,creation", "--n", "8", "--out", "first"]) in (0, 1)
    capsys.readouterr()
    assert "preference: mix/preference: holds a run with other settings: input" in refused(capsys, *words, "--n", "3")
