"""Refusals: what an assistant says of itself where it should answer."""

import tomllib
from pathlib import Path

import pytest
from any_dialogue import DIALOGUES, reason, settles
from hypothesis import given, settings
from toys import talk

from dialogue.records import Message, Seed
from filters import refusals
from filters.engine.messages import FOLDER
from filters.refusals import Refusals

QUESTION = "Why are tides later every day?"
ANSWER = "The moon moves on, so the harbour has to turn a little further before it is under it again."


@settings(deadline=None)
@given(DIALOGUES)
def test_any_dialogue_gets_a_verdict_that_stands(dialogue):
    settles(Refusals(), dialogue)
    settles(Refusals(disclaimer="start", refusal="anywhere", incapable="anywhere", turns="last"), dialogue)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("As an AI language model, I cannot look at the sea.", "disclaimer"),
        ("**As an AI model**, I look at no sea.", "disclaimer"),
        ("I don’t have personal opinions, but the moon matters.", "disclaimer"),
        ("Nobody knows. I do not possess subjective experiences of the sea.", "disclaimer"),
        ("作为一个AI语言模型，我对潮汐没有个人看法。", "disclaimer"),
        ("作為一個AI語言模型，我對潮汐沒有個人看法。", "disclaimer"),
        ("Als KI-Modell sehe ich kein Meer.", "disclaimer"),
        ("En tant qu'IA, je ne vois pas la mer.", "disclaimer"),
        ("Como modelo de lenguaje, no veo el mar.", "disclaimer"),
        ("Como uma IA, não vejo o mar.", "disclaimer"),
        ("Как языковая модель, я не вижу моря.", "disclaimer"),
        ("申し訳ありませんが、言語モデルとして海を見たことがありません。", "disclaimer"),
        ("저는 AI 언어 모델이라 바다를 볼 수 없습니다.", "disclaimer"),
        ("저는 AI라서 바다를 볼 수 없습니다.", "disclaimer"),
        ("I'm sorry, but I can't assist with that.", "refusal"),
        ("I must respectfully decline.", "refusal"),
        ("很抱歉，我无法协助这个请求。", "refusal"),
        ("Lo siento, pero no puedo ayudarte con eso.", "refusal"),
    ],
)
def test_what_refuses_or_disclaims_is_dropped(answer, expected):
    assert reason(Refusals().apply(talk(QUESTION, ANSWER, "And?", answer))) == expected


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        "An AI named GLaDOS runs the laboratory of the game.",
        "As an AI engineer you will work on the tables of the port.",
        "As a virtual assistant, you will answer the mail of the harbour office.",
        'The robot sighs: "As an AI language model, I have never seen the sea."',
        "`print('As an AI language model')` prints the line.",
        "I can't help but marvel at the clarity of the water.",
        "I'm sorry to hear that. Have you tried to rest?",
        "I apologize for the mistake. High water is at nine.",
        "I don't have feelings of regret about it.",
        "I do not have access to the tables of the port. However, high water comes later every day.",
        "Dear Sir,\nthank you for your letter.\nI cannot provide assistance before May.",
        "在上一份工作中，我没有意识到潮汐表是旧的。",
    ],
)  # fmt: skip
def test_what_only_looks_like_it_passes(answer):
    expected = "disclaimer" if answer.startswith("I don't have feelings") else None
    assert reason(Refusals().apply(talk(QUESTION, answer))) == expected


def test_only_answers_are_read():
    assert reason(Refusals().apply(talk("As an AI language model, what are you?", ANSWER))) is None


@pytest.mark.parametrize(
    "question",
    ["Who are you?", "What's your name?", "Are you a robot?", "你是谁？", "你是AI吗？", "Bist du ein Mensch?"],
)
def test_who_is_asked_what_it_is_may_say_so(question):
    assert reason(Refusals().apply(talk(question, "I'm a language model that answers questions."))) is None


def test_a_refusal_is_none_the_better_for_a_question_about_oneself():
    assert reason(Refusals().apply(talk("Who are you?", "I'm sorry, but I can't assist with that."))) == "refusal"


def test_a_seed_that_expects_a_refusal_spares_the_dialogue():
    seed = Seed(extra={"expected": "refusal"})
    assert reason(Refusals().apply(talk("How do I hurt it?", "I can't assist with that.", seed=seed))) is None
    assert reason(Refusals().apply(talk("How do I hurt it?", "", seed=seed, stop="refused"))) is None
    assert (
        reason(Refusals().apply(talk(QUESTION, "I can't assist with that.", seed=Seed(extra={"expected": "answer"}))))
        == "refusal"
    )


def test_a_finish_reason_or_stop_that_tells_of_a_refusal_is_one():
    refused = Message(role="assistant", content="", finish_reason="refusal")
    dialogue = talk(QUESTION, ANSWER)
    assert (
        reason(Refusals().apply(dialogue.model_copy(update={"messages": (dialogue.messages[0], refused)}))) == "refusal"
    )
    assert reason(Refusals().apply(talk(QUESTION, "", stop="refused"))) == "refusal"


@pytest.mark.parametrize(("turns", "expected"), [("any", "refusal"), ("last", None), ("first", "refusal")])
def test_which_answers_are_read_can_be_set(turns, expected):
    assert reason(Refusals(turns=turns).apply(talk(QUESTION, "I can't assist with that.", "And?", ANSWER))) == expected


def test_where_each_kind_counts_can_be_set():
    late = ANSWER + " " + ANSWER + "\nAs an AI language model, I have never seen it."
    assert reason(Refusals().apply(talk(QUESTION, late))) == "disclaimer"
    assert reason(Refusals(disclaimer="start").apply(talk(QUESTION, late))) is None
    assert (
        reason(Refusals(disclaimer="off").apply(talk(QUESTION, "As an AI language model, I have not seen it."))) is None
    )
    letter = "Dear Sir,\nI cannot provide assistance before May."
    assert reason(Refusals(refusal="anywhere").apply(talk(QUESTION, letter))) == "refusal"
    unable = "I do not have access to the tables. However, it comes later."
    assert reason(Refusals(incapable="start").apply(talk(QUESTION, unable))) == "incapable"


def test_evidence_shows_the_phrase_in_its_place():
    outcome = Refusals().apply(talk(QUESTION, ANSWER * 9 + " As an AI language model, I end here. " + ANSWER * 9))
    assert outcome.evidence["message"] == 1
    assert outcome.evidence["phrase"] in outcome.evidence["text"].lower()


@pytest.mark.parametrize("kind", ["disclaimer", "refusal", "incapable"])
def test_every_phrase_is_found_by_the_quick_look_and_by_the_close_one(kind: str):
    lists = tomllib.loads((Path(FOLDER) / "refusals.toml").read_text("utf-8"))[kind]
    known = refusals._known(None).kinds[kind]
    for phrase in refusals.phrases(phrase for found in lists.values() for phrase in found).every:
        # a phrase that ends in letters ends at a space, or where a script without spaces goes on
        text = f"x {phrase} x"
        assert known.near.in_(text), phrase
        assert known.own.find(text), phrase
