"""Every template of every sector, rendered; and what templates may not do."""

from pathlib import Path
from typing import Any

import pytest

from dialogue.errors import UsageError
from prompts.loader import Prompts
from prompts.sector import Level, Sector, load, names, page_of, roots

VARIABLES: dict[str, Any] = {
    "n": 2,
    "path": (("Entity", "Nile (river, Africa)"), ("Question", "How did the Nile\n  shape Egypt?")),
    "language_name": "Traditional Chinese",
    "language_code": "zh-TW",
    "specs": ["a pupil; question; 5 to 9 words", "a nurse; order; 12 to 20 words"],
    "avoid": ["Why is the Nile", "which dams on the"],
}
PAGE = page_of(Prompts(), load(Prompts(), "domain"))
"""What templates of the sector domain are given besides."""
CASES = [
    (sector, level)
    for name in names(Prompts())
    for sector in [load(Prompts(), name)]
    for level in sector.levels
    if level.template
]
EVERY = pytest.mark.parametrize(("sector", "level"), CASES, ids=[f"{s.name}/{level.name}" for s, level in CASES])


@EVERY
def test_the_branch_the_order_the_specs_and_the_avoid_list_stand_in_that_order_at_the_end(
    sector: Sector, level: Level
) -> None:
    prompt = Prompts().render(sector.template(level), page=PAGE, **VARIABLES)
    branch = (
        "Entity: Nile (river, Africa)\nQuestion: How did the Nile shape Egypt?\nLanguage: Traditional Chinese (zh-TW)"
    )
    assert f"{branch}\n\nWrite exactly 2 " in prompt
    assert "\n1. a pupil; question; 5 to 9 words\n2. a nurse; order; 12 to 20 words\n" in prompt
    assert prompt.endswith("\n- Why is the Nile\n- which dams on the")
    order = ["\nEntity: ", "\nLanguage: ", "\nWrite exactly 2 ", "\n1. a pupil", "\n- Why is"]
    assert [prompt.index(part) for part in order] == sorted(prompt.index(part) for part in order)
    assert prompt.index("JSON array") < prompt.index("\nEntity: ")
    assert '{"i": 1, "text": ' in prompt
    assert "\n\n\n" not in prompt
    assert not any(line != line.rstrip() for line in prompt.split("\n"))


@EVERY
def test_without_specs_and_avoid_list_the_prompt_ends_with_the_order(sector: Sector, level: Level) -> None:
    prompt = Prompts().render(sector.template(level), page=PAGE, **VARIABLES | {"specs": [], "avoid": [], "n": 1})
    assert prompt.split("\n")[-1].startswith("Write exactly 1 ")
    assert prompt.split("\n")[-1].endswith(" in Traditional Chinese.")


@EVERY
def test_nothing_before_the_branch_changes_from_request_to_request(sector: Sector, level: Level) -> None:
    other = {
        "n": 9,
        "path": (("Topic", "Tea"),),
        "language_name": "English",
        "language_code": "en",
        "specs": [],
        "avoid": [],
    }
    prompts = Prompts()
    first, second = (prompts.render(sector.template(level), page=PAGE, **variables) for variables in (VARIABLES, other))
    assert first[: first.index("\nEntity: ")] == second[: second.index("\nTopic: ")]


@EVERY
def test_a_missing_variable_is_an_error_and_not_an_empty_string(sector: Sector, level: Level) -> None:
    for missing in VARIABLES:
        variables = {name: value for name, value in VARIABLES.items() if name != missing}
        with pytest.raises(UsageError, match=f"'{missing}' is undefined"):
            Prompts().render(sector.template(level), page=PAGE, **variables)


@EVERY
def test_no_template_begs_for_variety_in_adjectives(sector: Sector, level: Level) -> None:
    prompt = Prompts().render(sector.template(level), page=PAGE, **VARIABLES).lower()
    assert not [word for word in ("diverse", "creative", "engaging", "interesting", "unique") if word in prompt]


def test_the_openers_of_a_sector_share_one_beginning() -> None:
    sector = load(Prompts(), "world-questions")
    prompts = [
        Prompts().render(sector.template(level), page=PAGE, **VARIABLES) for level in sector.levels if level.opener
    ]
    shared = next(i for i, letters in enumerate(zip(*prompts, strict=False)) if len(set(letters)) > 1)
    assert shared > 1_500


def test_names_and_openers_are_told_apart_by_the_order() -> None:
    sector = load(Prompts(), "world-questions")
    orders = {
        level.name: Prompts()
        .render(sector.template(level), page=PAGE, **VARIABLES | {"specs": [], "avoid": []})
        .split("\n")[-1]
        for level in sector.levels
    }
    assert orders["subtopic"] == "Write exactly 2 names of subtopics in Traditional Chinese."
    assert orders["further"] == "Write exactly 2 opening messages in Traditional Chinese."


def test_every_root_makes_one_line_of_the_branch() -> None:
    prompts = Prompts()
    for name in names(prompts):
        sector = load(prompts, name)
        for level in sector.levels:
            if level.source in {source.name for source in sector.sources}:
                found = roots(prompts, sector, level, "zh-TW")
                assert all("\n" not in root.path[0][1] for root in found)
                assert len({root.path for root in found}) == len(found)


def test_a_file_that_a_template_includes_is_noted_with_its_hash(tmp_path: Path) -> None:
    def used(prompts: Prompts) -> dict[str, str]:
        prompts.render("sectors/world-questions/further.j2", **VARIABLES)
        return prompts.used

    (tmp_path / "openers").mkdir()
    (tmp_path / "openers" / "avoid.j2").write_text("Avoid: {{ avoid | join('; ') }}", encoding="utf-8")
    package, overlaid = used(Prompts()), used(Prompts(tmp_path))
    assert {"openers/frame.j2", "openers/branch.j2", "openers/avoid.j2"} <= set(package)
    assert {name for name in package if package[name] != overlaid[name]} == {"openers/avoid.j2"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{{ ''.__class__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
        ("{{ ''['__class__']['__mro__'] }}", "unsafe"),
        ("{{ '{0.__class__}'.format(n) }}", "unsafe"),
        ("{% if n.__class__ %}x{% endif %}", "unsafe"),
        ("{{ path.append(3) }}", "unsafe"),
        ("{{ range(999999999) | length }}", "[Rr]ange"),
        ("{{ n / 0 }}", "division by zero"),
        ("{{ n + 'a' }}", "unsupported operand"),
        ("{{ nn }}", "'nn' is undefined"),
        ("line\n{% if %}", r"bad.j2:2: "),
        ("{% include '../../secret' %}", r"secret"),
    ],
)
def test_a_template_that_reaches_for_pythons_insides_or_fails_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    overlay = tmp_path / "a" / "b"
    overlay.mkdir(parents=True)
    (overlay / "bad.j2").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=complaint) as caught:
        Prompts(overlay).render("bad.j2", **VARIABLES | {"path": []})
    assert str(overlay / "bad.j2") in str(caught.value)
    assert "\n" not in str(caught.value)
