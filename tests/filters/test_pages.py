"""The reports as pages: whole in one file, without script or request, and hostile text stays text."""

import html
import re
from typing import Any

import pytest
from sample_reports import contamination_report, filter_report

from filters.pages.contamination_page import contamination_page
from filters.pages.examples import laid, laid_hit
from filters.pages.filter_page import filter_page
from filters.pages.shapes import Example, HitShape

NO_RUN = {
    "id": "d1", "benchmark": "b", "item": "1", "tier": "candidate", "rule": "idf-30-evidence", "part": "question",
    "message": 2, "span_words": 2, "coverage": 0.5, "containment": 0.4, "text_span": [0, 6],
    "text": "of the harbour where Freya sells 8 tapestries", "item_text": "Freya has 8 tapestries of the best",
}  # fmt: skip


def test_where_no_run_is_worth_a_mark_the_words_that_both_have_are_marked() -> None:
    found = laid_hit(HitShape.model_validate(NO_RUN))
    for column in found.columns:
        assert re.findall("<mark>(.*?)</mark>", column.lines[0].html) in (["Freya", "8", "tapestries"],)
    assert found.marked == "marked: the words that both have, short ones left out"
    assert found.columns[0].lines[0].head == "messages[2]"


def test_a_fact_stands_once_and_messages_bear_the_numbers_of_the_files() -> None:
    example = {"id": "a", "reason": "rounds", "evidence": {"message": 1, "value": 3, "most": 2, "more": "x" * 60},
               "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}  # fmt: skip
    found = laid(Example.model_validate(example))
    assert found.brief == [("message", "messages[1] of 2"), ("value", "3"), ("most", "2")]
    assert found.rest == [("more", "x" * 60)]


HOSTILE = "<script>alert(1)</script><img src=http://127.0.0.1:9/x onerror=alert(1)></style>\u202e\u2028\x00" + "w" * 300
PAGES = {"filter": (filter_page, filter_report), "contamination": (contamination_page, contamination_report)}


def poisoned(value: Any, key: str = "") -> Any:
    """The report with hostile text in every text that models or files wrote."""
    if isinstance(value, dict):
        return {name: poisoned(part, name) for name, part in value.items()}
    if isinstance(value, list):
        return [poisoned(part, key) for part in value]
    return (
        HOSTILE + value if isinstance(value, str) and key in {"content", "text", "item_text", "id", "path"} else value
    )


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("hostile", [False, True])
def test_a_page_has_no_script_and_asks_for_nothing(name: str, hostile: bool) -> None:
    page, report = PAGES[name]
    found = page(poisoned(report()) if hostile else report())
    assert found.startswith("<!doctype html>") or found.lower().startswith("<!doctype html>")
    assert "default-src 'none'" in html.unescape(found)
    assert not re.search(r"<\s*(script|img|iframe|link|object|embed|form|base)\b", found, re.IGNORECASE)
    assert not re.search(r"<[^>]*\s(src|href|on\w+)\s*=\s*[\"']?(?![\"'#])", found, re.IGNORECASE)
    assert found.count("</style>") == 1
    assert len(found) < 1_000_000
    for steering in ("\x00", "\u202e"):
        assert steering not in found


def test_filters_that_had_nothing_to_look_at_are_named_and_an_older_report_claims_nothing() -> None:
    page, made = PAGES["filter"]
    report = made()
    assert "othing to look at" not in page(report)
    report["filters"][0]["looked_at"], report["filters"][1]["looked_at"] = 0, 12
    report["filters"][2]["looked_at"] = report["filters"][2]["read"]
    text = html.unescape(re.sub(r"<[^>]*>", "", page(report)))
    assert "Nothing to look at: turns\n" in text
    assert text.count("nothing to look at in any of them") == 1
    assert text.count("12 of them with something to look at") == 1
    assert text.count("with something to look at") == 1
