"""The assistant of a field, spoken to over HTTP: it asks first, names only its sources, and is asked again once."""

from collections import Counter, deque
from pathlib import Path
from typing import Any

import pytest
from faulty import FaultyServer, reply
from talk import talk

from dialogue.errors import ReplyFailed, UsageError
from dialogue.records import Message, Seed, Usage
from generator.consulting import Consultant, Desk, desk_of, questions_due, with_sources
from generator.play import Turn
from generator.user.asked import asked_for
from generator.user.goals import Fact
from generator.user.script import Script, opener_spec, script
from generator.voice import Reply, Voice
from prompts.domain import Page, page
from prompts.loader import Prompts

PROMPTS = Prompts()
ADVICE = "Loosen the soil and water it well. " * 10
QUESTION = "Glad to help. What is the soil like?"


def read(folder: Path, **changes: str) -> Page:
    """A page with three sources, `changes` are lines of it."""
    (folder / "faq.jsonl").write_text(
        "".join(f'{{"id": "q{n}", "question": "Question {n}?", "answer": "Answer {n}."}}\n' for n in range(3))
    )
    lines = {
        "assistant": '"the assistant of a garden centre"',
        "knowledge": '["faq.jsonl"]',
        "clients": '["somebody with a first garden", "a caretaker"]',
        "decline": '["to name a poison"]',
        "refer": '"the counter"',
        "ask.soil": '{ tell = "the soil is {v}", ask = "what the soil is like", values = ["clay", "sand"] }',
        "ask.sun": '{ tell = "there is sun {v}", ask = "how much sun there is", values = ["all day", "at noon"] }',
        **changes,
    }
    (folder / "page.toml").write_text("\n".join(f"{name} = {value}" for name, value in lines.items()))
    return page(folder / "page.toml")


class Heard:
    """What a consultant said, counted and was asked."""

    def __init__(self) -> None:
        self.noted: Counter[str | None] = Counter()
        self.paid = Usage()
        """For replies that became no turn."""
        self.bodies: list[dict[str, Any]] = []
        self.turn: Turn | None = None

    def keep(self, reply: Reply, check: str | None) -> None:
        self.noted[check] += 1
        self.paid += reply.usage


async def consulted(desk: Desk, *answers: str, due: bool = True, said: tuple[str, ...] = ("My leeks rot.",)) -> Heard:
    """The reply of a consultant whose model answers so, after what was said."""
    heard, left = Heard(), list(answers)
    async with FaultyServer(lambda number, body: reply(left.pop(0))) as server, talk(server.base_url) as talking:
        voice = Voice(talking.chat, deque(), heard.keep)
        consultant = Consultant(voice, key="dm-1", priority=0, desk=desk, due=due)
        roles = ("user", "assistant")
        history = [Message(role=roles[place % 2], content=text) for place, text in enumerate(said)]
        try:
            heard.turn = await consultant.reply(history)
            heard.noted.update([heard.turn.noted] if heard.turn and heard.turn.noted else [])
        finally:
            heard.bodies = list(server.bodies)
    assert not left
    return heard


def desk(folder: Path, **changes: str) -> Desk:
    return desk_of(PROMPTS, read(folder, **changes), "en", ["q1", "q2"])


async def test_a_question_goes_through_and_the_guide_is_sent_and_not_kept(tmp_path: Path) -> None:
    heard = await consulted(desk(tmp_path), QUESTION)
    assert heard.turn is not None
    assert heard.turn.message.content == QUESTION
    system = heard.bodies[0]["messages"][0]
    assert system["role"] == "system"
    assert "You are the assistant of a garden centre." in system["content"]
    assert "what the soil is like; how much sun there is" in system["content"]
    assert "- to name a poison" in system["content"]
    assert system["content"].count("the counter") == 2
    assert "[q1]\nQuestion 1?\nAnswer 1.\n\n[q2]" in system["content"]
    assert "[q0]" not in system["content"]


async def test_a_boundary_is_told_with_its_reason_where_the_page_has_one(tmp_path: Path) -> None:
    bounds = '[{ what = "to name a poison", why = "it kills more than it should" }, "to write a note"]'
    heard = await consulted(desk(tmp_path, decline=bounds), QUESTION)
    system = heard.bodies[0]["messages"][0]["content"]
    assert "\n- to name a poison (reason: it kills more than it should)\n- to write a note\n" in system


async def test_advice_that_comes_unasked_is_asked_again_once_then_stays_and_is_counted(tmp_path: Path) -> None:
    mended = await consulted(desk(tmp_path), ADVICE, QUESTION)
    assert mended.turn is not None
    assert mended.turn.message.content == QUESTION
    assert (mended.paid.requests, mended.turn.usage.requests) == (1, 1), "what was paid for each reply counts once"
    again = mended.bodies[1]["messages"][0]["content"]
    assert "advised before you knew the case" in again
    assert again.startswith(mended.bodies[0]["messages"][0]["content"])
    assert len({body["seed"] for body in mended.bodies}) == 2
    stays = await consulted(desk(tmp_path), ADVICE, ADVICE + "Really.")
    assert stays.turn is not None
    assert stays.turn.message.content.endswith("Really.")
    assert mended.noted == {"unasked": 1}
    assert stays.noted == {"unasked": 1, "assistant_unasked_kept": 1}


async def test_later_advice_and_advice_that_owes_no_question_go_through(tmp_path: Path) -> None:
    later = await consulted(desk(tmp_path), ADVICE, said=("My leeks rot.", QUESTION, "Clay."))
    free = await consulted(desk(tmp_path), ADVICE, due=False)
    assert not later.noted
    assert not free.noted


async def test_a_source_that_there_is_not_is_asked_again_and_named_twice_ends_the_dialogue(tmp_path: Path) -> None:
    said = ("My leeks rot.", QUESTION, "Clay.")
    cites = desk(tmp_path, cite="true")
    mended = await consulted(cites, f"{ADVICE}[q7]", f"{ADVICE}[q1]", said=said)
    assert mended.turn is not None
    assert "[q7]" in mended.bodies[1]["messages"][0]["content"]
    with pytest.raises(ReplyFailed, match="bad_reply: strange_source: q8"):
        await consulted(cites, f"{ADVICE}[q7]", f"{ADVICE}[q8]", said=said)
    plain = await consulted(desk(tmp_path), f"{ADVICE}[q7]", said=said)
    assert not plain.noted, "where no sources are to be named, brackets are brackets"


async def test_each_of_two_faults_may_be_mended(tmp_path: Path) -> None:
    heard = await consulted(desk(tmp_path, cite="true"), ADVICE, "How old is it [your tree]?", QUESTION)
    assert heard.turn is not None
    assert heard.turn.message.content == QUESTION
    assert heard.noted == {"unasked": 1, "strange_source": 1}
    with pytest.raises(ReplyFailed, match=r"strange_source: a tree"):
        await consulted(desk(tmp_path, cite="true"), ADVICE, "How old [your tree]?", "And [a tree]?")


async def test_several_sources_in_one_pair_of_brackets_are_sources(tmp_path: Path) -> None:
    heard = await consulted(desk(tmp_path, cite="true"), f"{ADVICE}[q1, q2]", said=("a", QUESTION, "Clay."))
    assert not heard.noted


async def test_advice_without_a_source_is_asked_again_once_where_sources_are_named(tmp_path: Path) -> None:
    heard = await consulted(desk(tmp_path, cite="true"), ADVICE, ADVICE + "!", said=("a", QUESTION, "Clay."))
    assert heard.noted == {"uncited": 1, "assistant_uncited_kept": 1}
    assert "[q1]." in heard.bodies[0]["messages"][0]["content"]


async def test_an_answer_said_before_is_asked_again_under_the_same_guide_and_twice_is_an_end(tmp_path: Path) -> None:
    said = ("My leeks rot.", QUESTION, "Clay.")
    mended = await consulted(desk(tmp_path), QUESTION, ADVICE, said=said)
    assert mended.bodies[0]["messages"] == mended.bodies[1]["messages"]
    with pytest.raises(ReplyFailed, match="repeat: answer_repeated"):
        await consulted(desk(tmp_path), QUESTION, QUESTION, said=said)


async def test_kept_notes_are_not_sent_twice(tmp_path: Path) -> None:
    heard = await consulted(desk(tmp_path, keep_notes="true"), ADVICE, QUESTION)
    assert [message["role"] for message in heard.bodies[0]["messages"]] == ["user"], "the dialogue has them itself"
    assert heard.bodies[1]["messages"][0]["content"].startswith("Your last reply advised")


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "先弄清情况"), ("zh-TW", "先弄清情況"), ("fr", "First know the case")]
)
def test_the_guide_is_in_the_language_of_the_dialogue_or_asks_for_it(tmp_path: Path, language: str, words: str) -> None:
    text = desk_of(PROMPTS, read(tmp_path), language, None).guide()
    assert words in text
    assert "in French" in text or language != "fr"
    assert text.count("[q") == 3


def test_sources_stand_in_the_seed_the_right_one_first(tmp_path: Path) -> None:
    found = read(tmp_path, cite="true")
    seed = with_sources(found, 0, "dm-1", Seed(language="en", material="q1", topic="x"))
    assert seed.extra == {"sources": ["q1", "q2", "q0"], "cite": True}
    assert seed.topic == "Question 1?"
    assert "cite" not in with_sources(read(tmp_path), 0, "dm-1", Seed(language="en", material="q1")).extra
    drawn = {tuple(with_sources(read(tmp_path), 0, f"dm-{n}", Seed(topic="b")).extra["sources"]) for n in range(30)}  # type: ignore[arg-type]
    assert len(drawn) == 3, "a boundary has no source: one is drawn by the dialogue's id"


def test_a_source_that_is_gone_is_an_error_and_not_another_source(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="source 'q9' is gone from its files"):
        desk_of(PROMPTS, read(tmp_path), "en", ["q1", "q9"])


def test_what_a_client_cannot_have_is_not_asked_for(tmp_path: Path) -> None:
    clients = '["somebody", { who = "a caretaker", sun = [], soil = [] }]'
    found = read(tmp_path, clients=clients)
    some, none = found.clients
    assert (
        "- What you have to know: what the soil is like; how much sun there is."
        in desk_of(PROMPTS, found, "en", None, some).guide()
    )
    assert "- What you have to know is what your advice depends on" in desk_of(PROMPTS, found, "en", None, none).guide()


def client(found: Page, number: int, kind: str = "grounded") -> Script:
    return script(
        PROMPTS,
        "client",
        run_seed=0,
        id=f"dm-{number}",
        seed=Seed(language="en", kind=kind),
        rounds=(3, 6),
        preset="training",
        own_opener=False,
        page=found,
    )


def test_a_client_of_the_page_holds_something_back_and_the_opener_tells_of_the_same_one(tmp_path: Path) -> None:
    found = read(tmp_path)
    for number in range(60):
        plan = client(found, number)
        assert plan.persona.situation in ("somebody with a first garden", "a caretaker")
        assert plan.goal.texts(told=False)
        assert questions_due(plan, "grounded")
        assert not questions_due(plan, "declined")
        line = opener_spec(PROMPTS, "client", "en", 0, f"dm-{number}", page=found)["line"]
        assert plan.persona.situation in line
        assert all(text in line for text in plan.goal.texts(told=True))
        assert not any(text in line for text in plan.goal.texts(told=False))


def test_who_is_asked_tells_what_was_asked_for(tmp_path: Path) -> None:
    pot = '{ tell = "it stands in {v}", ask = "what it is planted in", values = ["a tub", "a bucket"] }'
    found = read(tmp_path, **{"ask.pot": pot})
    told = []
    for number in range(200):
        plan = client(found, number)
        held = plan.goal.texts(told=False)
        if len(held) < 2 or not any(text.startswith("there is sun") for text in held):
            continue
        turn = plan.turn(2, [], "One thing first. How much sun is there?")
        if turn.act == "answer":
            told.append(turn.release)
    assert len(told) >= 20
    assert all(str(text).startswith("there is sun") for text in told)


def test_who_is_asked_a_third_time_answers_a_third_time(tmp_path: Path) -> None:
    found = read(tmp_path)
    thirds = []
    for number in range(200):
        plan = client(found, number)
        past = [plan.turn(2, [], QUESTION)]
        past.append(plan.turn(3, past, QUESTION))
        if [one.act for one in past] == ["answer", "answer"]:
            thirds.append(plan.turn(4, past, QUESTION).act)
    assert len(thirds) >= 40
    assert thirds.count("answer") >= 0.6 * len(thirds)


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        ("Hm. And how old is it?", "age"),
        ("Does it have a motor?", "motor"),
        ("Tell me about the motor. How old is it?", "age"),
        ("What else is there?", "age"),
    ],
)
def test_the_fact_that_is_asked_for_is_told_by_the_words_of_the_question(answer: str, key: str) -> None:
    age = Fact(text="it is ten years old", told=False, key="age", ask="how old it is")
    motor = Fact(text="it has no motor", told=False, key="motor", ask="whether it has a motor")
    assert asked_for([age, motor], answer).key == key
