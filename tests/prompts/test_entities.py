"""The entities that questions about the world grow from."""

from collections import Counter

from dialogue.jsonl import objects
from prompts.loader import HOME

ROWS = [row for _, row in objects(HOME / "sectors" / "world-questions" / "entities.jsonl")]


def test_there_are_over_a_thousand_and_each_stands_once() -> None:
    assert len(ROWS) >= 1_200
    assert len({row["name"].casefold() for row in ROWS}) == len(ROWS)


def test_each_row_has_name_kind_and_region_and_at_most_chinese_names_besides() -> None:
    for row in ROWS:
        assert {"name", "kind", "region"} <= set(row) <= {"name", "kind", "region", "zh", "zh-TW"}, row
        assert all(isinstance(value, str) and value == value.strip() and value for value in row.values()), row
        assert ("zh" in row) == ("zh-TW" in row), row


def test_there_are_many_kinds_none_of_them_dominant() -> None:
    kinds = Counter(row["kind"] for row in ROWS)
    assert len(kinds) >= 25
    assert kinds.most_common(1)[0][1] <= 0.1 * len(ROWS)


def test_all_regions_of_the_world_have_a_fair_share() -> None:
    regions = Counter(row["region"] for row in ROWS)
    share = {region: count / len(ROWS) for region, count in regions.items()}
    assert share["Europe"] + share["North America"] <= 0.35
    for region in ("Africa", "East Asia", "South Asia", "Southeast Asia", "Middle East", "Latin America", "Oceania"):
        assert share[region] >= 0.05, region


def test_the_best_known_have_chinese_names() -> None:
    assert sum("zh-TW" in row for row in ROWS) >= 400
    by_name = {row["name"]: row for row in ROWS}
    assert by_name["Wolfgang Amadeus Mozart"]["zh-TW"] == "莫札特"
    assert by_name["Wolfgang Amadeus Mozart"]["zh"] == "莫扎特"
