"""What the embedded endpoint says of answers: in the form that is asked for, of a text the same wherever it stands."""

from typing import Any

import orjson
import pytest

from dialogue.records import Message
from generator.builtin.server import Server
from generator.ratings import Rating, asked, of_samples, parse
from prompts.loader import Prompts
from prompts.sector import load

PROMPTS = Prompts()
SECTOR = load(PROMPTS, "self-chat", "feedback")
SERVER = Server(1, 0.0, 0.0)
TALK = {
    "en": "Why does bread go stale faster in the fridge?",
    "zh": "面包放进冰箱为什么更快变硬？",
    "zh-TW": "麵包放進冰箱為什麼更快變硬？",
}


def said(prompt: str, seed: int) -> str:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": prompt}], "seed": seed}
    status, answer = SERVER.respond(orjson.dumps(body))
    assert status == 200
    text: str = orjson.loads(answer)["choices"][0]["message"]["content"]
    return text


def rated(language: str, answers: list[str], seed: int = 0) -> list[Rating]:
    rubric = of_samples(PROMPTS, SECTOR, language)
    prompt = asked(PROMPTS, rubric, language, [Message(role="user", content=TALK[language])], answers, "key")
    return parse(said(prompt, seed), len(answers), rubric.aspects, rubric.most)


@pytest.mark.parametrize("language", TALK)
def test_what_is_asked_is_answered_in_the_form_that_is_asked_for(language: str) -> None:
    found = rated(language, [said(TALK[language], seed) for seed in range(4)])
    assert all(1 <= value <= 100 for one in found for value in one.ratings.values())
    assert len({one.score for one in found}) > 1


def test_numbers_depend_on_the_text_and_not_on_its_place_or_the_seed() -> None:
    answers = [said(TALK["en"], seed) for seed in range(4)]
    first = [one.ratings for one in rated("en", answers)]
    assert [one.ratings for one in rated("en", answers[::-1], seed=7)] == first[::-1]
    assert rated("en", ["No.", answers[0]])[0].score < rated("en", [answers[0], answers[1]])[0].score


def test_the_best_is_often_another_than_the_first() -> None:
    best = []
    for start in range(0, 400, 4):
        scores = [one.score for one in rated("en", [said(TALK["en"], seed) for seed in range(start, start + 4)])]
        best.append(scores.index(max(scores)))
    assert all(12 <= best.count(place) <= 40 for place in range(4))
