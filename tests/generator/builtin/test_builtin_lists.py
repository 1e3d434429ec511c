"""Every list prompt of every sector is understood, in every language that builtin writes."""

import re
from collections import Counter
from typing import Any

import orjson
import pytest

from dialogue.likeness import jaccard, words
from generator.builtin.languages import LANGUAGES
from generator.builtin.lists import MAX_ITEMS, list_wanted
from generator.builtin.server import Server
from generator.user.script import opener_spec
from prompts import sector as sectors
from prompts.loader import Prompts
from prompts.names import language_name

PROMPTS = Prompts()
SERVER = Server(5, 0.1, 1.0)
BRANCHES = [
    "Salt roads",
    "Winter birds",
    "Paper money",
    "River ports",
    "Night trains",
    "Clay tablets",
    "Whale oil",
    "Tea gardens",
]
BRANCHES += [
    "Lighthouse keepers",
    "Glass blowing",
    "Desert wells",
    "Street theatre",
    "Map printing",
    "Bee hives",
    "Coal mines",
]
LEVELS = [
    (name, level.name)
    for name in sectors.names(PROMPTS)
    for level in sectors.load(PROMPTS, name).levels
    if level.template
]


def rendered(sector_name: str, level_name: str, language: str, n: int, number: int = 0) -> str:
    """A list prompt as a run would send it, on a branch as deep as its level."""
    sector = sectors.load(PROMPTS, sector_name)
    level = sector.level(level_name)
    found = sectors.roots(PROMPTS, sector, level, language)
    path = found[number % len(found)].path
    above = level.source
    while above in {other.name for other in sector.levels}:
        step = sector.level(above)
        path = (path[0], (step.what, BRANCHES[number % len(BRANCHES)]), *path[1:])
        above = step.source
    specs = [opener_spec(PROMPTS, sector.column, language, number, place)["line"] for place in range(n)]
    return PROMPTS.render(
        sector.template(level),
        n=n,
        path=path,
        language_name=language_name(PROMPTS, language),
        language_code=language,
        specs=specs if level.opener else [],
        avoid=["How does the cost"],
        page=sectors.page_of(PROMPTS, sector),
    )


def items(prompt: str, **fields: object) -> Any:
    body = orjson.dumps({"messages": [{"role": "user", "content": prompt}], **fields})
    status, reply = SERVER.respond(body)
    answer = orjson.loads(reply)
    assert status == 200, answer
    return orjson.loads(answer["choices"][0]["message"]["content"])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("sector", "level"), LEVELS)
def test_every_template_gives_as_many_different_items_as_it_asks_for(sector: str, level: str, language: str) -> None:
    found = items(rendered(sector, level, language, 10))
    assert [item["i"] for item in found] == list(range(1, 11))
    assert len({item["text"] for item in found}) == 10
    wide = language.startswith("zh")
    assert all(bool(re.search("[\u4e00-\u9fff]", item["text"])) == wide for item in found)


def test_a_schema_asks_for_the_object_form() -> None:
    prompt = rendered("world-questions", "question", "en", 3)
    found = items(prompt, response_format={"type": "json_schema", "json_schema": {}})
    assert list(found) == ["items"]
    assert len(found["items"]) == 3


def test_openers_name_the_entity_or_its_kind_as_the_prompt_says() -> None:
    path = "Entity: Ukerewe (lake island, Africa)\nQuestion: How large is Ukerewe?\nLanguage: English (en)\n\n"
    order = "Write exactly 8 opening messages in English."
    assert all("Ukerewe" in item["text"] for item in items(path + order))
    barred = items("None of them names the entity.\n\n" + path + order)
    assert all("Ukerewe" not in item["text"] and "lake island" in item["text"].lower() for item in barred)


def test_openers_keep_to_the_lines_of_their_specs() -> None:
    asked = "Subtopic: Salt roads\nLanguage: English (en)\n\nWrite exactly 3 opening messages in English.\n"
    wording = PROMPTS.data("languages/en/words.toml")["opener"]
    begins, mentions = wording["begins"].format(word="why"), wording["mentions"].format(facts="has an exam in a week")
    question, order = wording["forms"]["question"], wording["forms"]["imperative"]
    lines = [f"{question}; 8-16 words; {begins}", f"{order}; 40-70 words; {mentions}; Kenya", f"{question}; 4-8 words"]
    first, second, third = (
        item["text"] for item in items(asked + "\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1)))
    )
    assert first.lower().startswith("why")
    assert "?" in first
    assert "I have an exam in a week" in second
    assert 36 <= len(words(second)) <= 80
    assert len(words(third)) <= 16


def test_a_thousand_openers_are_varied_and_hardly_ever_alike() -> None:
    found = [
        item["text"]
        for number in range(100)
        for item in items(rendered("world-questions", "further", "en", 10, number % 30), seed=number)
    ]
    starts = Counter(tuple(words(text)[:3]) for text in found)
    assert len(found) == len(set(found)) == 1000
    assert len(starts) >= 580  # fifteen subtopics here; over a whole tree it is 0.7 and more
    assert max(starts.values()) <= 30
    near = sum(
        jaccard(text, other, 3) >= 0.5
        for start in range(0, 1000, 10)
        for i, text in enumerate(found[start : start + 10])
        for other in found[start : start + i]
    )
    assert near <= 20


def test_subtopics_do_not_repeat_what_the_prompt_names() -> None:
    prompt = rendered("world-questions", "subtopic", "en", 25)
    first = [item["text"] for item in items(prompt)]
    second = [item["text"] for item in items(prompt + "\nAlready written:\n" + "\n".join(first), seed=1)]
    assert len({*first, *second}) == 50
    assert all(len(name) <= 60 for name in first)


def test_a_huge_number_is_cut_and_prose_is_no_list() -> None:
    huge = list_wanted("Topic: Salt\nLanguage: English (en)\n\nWrite exactly 999999999 opening messages in English.")
    assert huge is not None
    assert huge.n == MAX_ITEMS
    assert list_wanted("Write exactly 3 lines about salt") is None


def test_another_language_is_refused_in_words_that_name_the_three() -> None:
    text = "Topic: Salz\nLanguage: German (de)\n\nWrite exactly 3 opening messages in German."
    status, reply = SERVER.respond(orjson.dumps({"messages": [{"role": "user", "content": text}]}))
    assert status == 400
    assert "en, zh, zh-TW" in orjson.loads(reply)["error"]["message"]
