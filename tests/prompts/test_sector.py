"""Sectors as folders of templates and TOML."""

from pathlib import Path

import pytest

from dialogue.errors import UsageError
from prompts.loader import HOME, Prompts
from prompts.sector import load, names, roots

WORLD = "sectors/world-questions"
SECTOR = (HOME / WORLD / "sector.toml").read_text(encoding="utf-8")


def overlaid(tmp_path: Path, old: str, new: str) -> Prompts:
    """The package's prompts with one passage of world-questions' sector.toml changed."""
    assert old in SECTOR
    folder = tmp_path / WORLD
    folder.mkdir(parents=True)
    (folder / "sector.toml").write_text(SECTOR.replace(old, new, 1), encoding="utf-8")
    return Prompts(tmp_path)


def test_every_sector_loads_under_each_of_its_presets() -> None:
    prompts = Prompts()
    assert "world-questions" in names(prompts)
    for name in names(prompts):
        for preset in load(prompts, name).share_presets:
            sector = load(prompts, name, preset)
            assert sector.share_preset == preset
            assert all(prompts.path(sector.template(level)) for level in sector.levels if level.template)
            assert set(sector.shares) == {level.name for level in sector.levels if level.opener}


def test_the_tree_of_world_questions_is_ultrachats() -> None:
    sector = load(Prompts(), "world-questions")
    assert (sector.prefix, sector.column, sector.rounds, sector.preset) == ("wq", "world", "3-7", "training")
    assert sector.share_preset == sector.default_shares == "paper"
    from_topics = sector.shares["question"] + sector.shares["further"]
    assert from_topics == sector.shares["meta"] + sector.shares["specific"] + sector.shares["general"] == 500
    each = {level.name: level.batch * level.passes for level in sector.levels}
    assert each == {"subtopic": 50, "question": 10, "further": 10, "meta": 5, "specific": 10, "general": 20}
    assert [level.name for level in sector.levels if not level.opener] == ["subtopic"]


def test_the_readmes_preset_has_its_own_weights_and_subtopics() -> None:
    sector = load(Prompts(), "world-questions", "readme")
    assert (sector.shares["question"], sector.shares["further"]) == (11, 110)
    assert 30 * sector.level("subtopic").batch * sector.level("subtopic").passes == 1_140


def test_an_unknown_sector_or_preset_names_the_near_ones() -> None:
    with pytest.raises(UsageError, match="'world-question': no such sector; did you mean world-questions"):
        load(Prompts(), "world-question")
    with pytest.raises(UsageError, match=r"'zz': no such sector \(there are: .*world-questions"):
        load(Prompts(), "zz")
    with pytest.raises(UsageError, match="no shares named 'papers'; did you mean paper"):
        load(Prompts(), "world-questions", "papers")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('from = "subtopic"', 'from = "subtopics"', "level question: from = 'subtopics', but above it are"),
        ('name = "further"', 'name = "question"', "level question: the name is taken"),
        ("batch = 10 ", "batch = 0 ", "levels.1.batch"),
        ("meta = 50", "metta = 50", "shares.paper: 'metta' is no level that gives openers"),
        ("meta = 50", "meta = -50", "shares.paper: weights must be positive"),
        ('prefix = "wq"', 'prefix = "wq"\ncolour = "red"', "colour"),
        (
            "[shares.paper.weights]",
            "[shares.paper.levels.question]\nopener = 1\n[shares.paper.weights]",
            "batch and passes",
        ),
        ("[shares.paper.weights]", "[shares.paper.levels.query]\nbatch = 1\n[shares.paper.weights]", "no such level"),
        ('title = "', "title = ", "sector.toml"),
    ],
)
def test_a_wrong_setting_is_refused_with_its_file(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint) as caught:
        load(overlaid(tmp_path, old, new), "world-questions")
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_sector_of_the_users_own_is_one_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "sectors" / "tiny"
    folder.mkdir(parents=True)
    (folder / "things.jsonl").write_text('{"name": "Tea"}\n', encoding="utf-8")
    (folder / "ask.j2").write_text("Write exactly {{ n }} openers.", encoding="utf-8")
    (folder / "sector.toml").write_text(
        'prefix = "ti"\ntitle = "Tiny"\ncolumn = "world"\nrounds = "2-3"\npreset = "training"\ndefault_shares = "all"\n'
        '[[sources]]\nname = "things"\nfile = "things.jsonl"\nwhat = "Thing"\n'
        '[[levels]]\nname = "ask"\nfrom = "things"\ntemplate = "ask.j2"\nbatch = 3\nwhat = "Question"\n'
        "[shares.all.weights]\nask = 1\n",
        encoding="utf-8",
    )
    prompts = Prompts(tmp_path)
    sector = load(prompts, "tiny")
    assert [root.path for root in roots(prompts, sector, sector.level("ask"), "en")] == [(("Thing", "Tea"),)]


def test_a_sector_that_takes_up_dialogues_has_no_tree(tmp_path: Path) -> None:
    sector = load(Prompts(), "continue")
    assert (sector.takes, sector.levels, sector.sources, sector.shares) == ("continue", (), (), {})
    with pytest.raises(UsageError, match="--shares paper: continue takes up dialogues of yours"):
        load(Prompts(), "continue", "paper")
    folder = tmp_path / "sectors" / "continue"
    folder.mkdir(parents=True)
    source = '[[sources]]\nname = "topics"\nfile = "topics.toml"\nwhat = "Topic"\n'
    (folder / "sector.toml").write_text(Prompts().read("sectors/continue/sector.toml") + source, encoding="utf-8")
    with pytest.raises(UsageError, match="a sector that takes up dialogues has no sources, levels or shares"):
        load(Prompts(tmp_path), "continue")
