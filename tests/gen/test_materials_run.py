"""The sector materials: instructions on passages, joined, played, cut, resumed and refused."""

import json
from collections import Counter
from pathlib import Path

import orjson
import pytest
from material_files import killed_and_run_again, passages

from dialogue.errors import UsageError
from dialogue.records import Dialogue, decode
from gen.api import plan, run
from gen.main import main
from prompts.joining import joins
from prompts.loader import Prompts
from prompts.materials import Material, material
from prompts.sector import load

N = 240
PROMPTS = Prompts()
SECTOR = load(PROMPTS, "materials")
FILE = "sectors/materials/instructions.toml"


def played(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


def own(path: Path) -> Material:
    source = SECTOR.input
    assert source is not None
    assert source.material is not None
    return material(path, source.material)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("materials")


@pytest.fixture(scope="module")
def file(place: Path) -> Path:
    return passages(place / "passages.jsonl", 90)


@pytest.fixture(scope="module")
def dialogues(place: Path, file: Path) -> list[Dialogue]:
    run(sector="materials", n=N, input=file, language="en:2,zh:1", endpoint="builtin", out=place / "run")
    return played(place / "run")


def test_roles_alternate_and_rounds_are_in_range(dialogues: list[Dialogue]) -> None:
    assert len(dialogues) >= 0.97 * N
    for dialogue in dialogues:
        roles = [message.role for message in dialogue.messages]
        assert roles == ["user", "assistant"] * (len(roles) // 2)
        assert 2 <= len(roles) // 2 <= 4 or dialogue.stop in ("max_tokens", "refused")
    assert len({dialogue.id for dialogue in dialogues}) == len(dialogues)


def test_every_shape_and_kind_is_used_in_both_orders(dialogues: list[Dialogue]) -> None:
    english = [dialogue for dialogue in dialogues if dialogue.seed.language == "en"]
    found = joins(PROMPTS, FILE, "en")
    assert {dialogue.seed.kind for dialogue in english} == set(found.kinds)
    assert {dialogue.seed.extra["shape"] for dialogue in english} == set(found.shapes)
    first = Counter(str(found.shapes[str(one.seed.extra["shape"])]).startswith("{instruction}") for one in english)
    assert 0.35 < first[True] / len(english) < 0.65


def test_the_opener_is_the_instruction_in_its_shape_round_the_passage_word_for_word(
    dialogues: list[Dialogue], file: Path
) -> None:
    texts = {piece.id: piece for piece in own(file)}
    typed = 0
    for dialogue in dialogues:
        seed = dialogue.seed
        piece = texts[str(seed.material)]
        assert seed.topic == piece.title
        assert "cut" not in seed.extra
        found = joins(PROMPTS, FILE, str(seed.language))
        before, after = found.around(str(seed.extra["shape"]), piece.text)
        opener = dialogue.messages[0].content
        assert opener.startswith(before)
        assert opener.endswith(after)
        instruction = opener[len(before) : len(opener) - len(after)]
        typed += instruction != seed.extra["instruction"]
    assert 0 < typed < 0.7 * len(dialogues)


def test_no_passage_gets_one_kind_of_instruction_twice_in_a_language(dialogues: list[Dialogue]) -> None:
    seen = Counter((one.seed.language, one.seed.material, one.seed.kind) for one in dialogues)
    assert max(seen.values()) == 1
    assert max(Counter((one.seed.language, one.seed.material) for one in dialogues).values()) <= 5


def test_a_long_passage_is_cut_and_that_is_said_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(f"This is sentence number {number} of a long one." for number in range(300))
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": text}) + "\n")
    run(sector="materials", n=3, input=tmp_path / "long.jsonl", endpoint="builtin", out=tmp_path / "run")
    assert "1 of the 1 texts of" in capsys.readouterr().err
    assert "more than 1,600 tokens" in json.loads((tmp_path / "run" / "run.json").read_text())["facts"]["note"]
    for dialogue in played(tmp_path / "run"):
        assert dialogue.seed.extra["cut"] == {"tokens": 3198, "kept": 1596}
        assert "number 150 of a long one." in dialogue.messages[0].content
        assert "number 151" not in dialogue.messages[0].content


def test_a_larger_n_keeps_what_there_is_and_another_file_is_refused(tmp_path: Path) -> None:
    asked = {"sector": "materials", "endpoint": "builtin", "out": tmp_path / "run"}
    first = passages(tmp_path / "a.jsonl", 12)
    run(n=6, input=first, **asked)
    before = (tmp_path / "run" / "openers.jsonl").read_bytes()
    run(n=12, input=first, **asked)
    assert (tmp_path / "run" / "openers.jsonl").read_bytes().startswith(before)
    with pytest.raises(UsageError, match=r"input was .* choose another --out"):
        run(n=12, input=passages(tmp_path / "b.jsonl", 13), **asked)
    with pytest.raises(
        UsageError, match=r"--n 1,000: the tree of materials gives at most 60 openers; a longer --input"
    ):
        run(n=1000, input=first, **asked)


def test_a_killed_run_ends_as_one_that_never_was(tmp_path: Path) -> None:
    file = passages(tmp_path / "p.jsonl", 20)
    killed = killed_and_run_again(
        tmp_path, "journal.jsonl", 40, "--sector", "materials", "--n", "30", "--input", str(file)
    )
    run(sector="materials", n=30, input=file, endpoint="builtin", out=tmp_path / "whole")
    seeds = [
        {one.id: one.seed.extra["instruction"] for one in played(folder)} for folder in (killed, tmp_path / "whole")
    ]
    assert seeds[0] == seeds[1]
    assert (killed / "openers.jsonl").read_bytes() == (tmp_path / "whole" / "openers.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--sector", "materials", "--n", "3"], "--input is missing: materials works on passages of yours"),
        (["--sector", "materials", "--n", "3", "--input", "none.jsonl"], "--input none.jsonl: No such file"),
        (["--sector", "materials", "--n", "3", "--input", "torn.jsonl"], "torn.jsonl:2: not JSON"),
    ],
)
def test_an_input_that_is_missing_or_no_good_is_refused_before_anything_is_written(
    words: list[str],
    complaint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("torn.jsonl").write_text('{"text": "whole"}\n{"text": "to')
    for command in (["run"], ["plan"], ["run", "--dry-run"]):
        assert main([*command, *words, "--endpoint", "builtin", "--out", "made"]) == 2
        said = capsys.readouterr().err
        assert complaint in said
        assert len(said.strip().splitlines()) == 1
    assert not Path("made").exists()


def test_openers_of_ones_own_need_no_passages(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text(
        "Shorten this: the sun rose and it was day.\nTranslate: good night, all of you.\n"
    )
    run(sector="materials", openers=tmp_path / "own.txt", endpoint="builtin", out=tmp_path / "run")
    assert len(played(tmp_path / "run")) == 2


def test_the_plan_counts_passages_and_prompts_are_shown(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = plan(sector="materials", n=60, input=file, endpoint="builtin")
    (file.parent / "short.txt").write_text("".join(f"Bread {number} is bread.\n\n" for number in range(60)))
    bare = plan(sector="materials", n=60, input=file.parent / "short.txt", endpoint="builtin")
    assert found.by_role["assistant"]["prompt_tokens"] / 60 > bare.by_role["assistant"]["prompt_tokens"] / 60 + 60
    for language in ("en", "zh", "zh-TW", "fr"):
        assert main(["sectors", "show", "materials", "--language", language]) == 0
        assert capsys.readouterr().out.count("joined with its passage") >= 7
