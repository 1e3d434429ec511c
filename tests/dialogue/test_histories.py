"""Histories in one text, trees, preferences and field maps: whole dialogues of them, and nothing taken for another."""

from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from dialogue.errors import UsageError
from dialogue.formats import (
    alpaca,
    belle,
    belle_chat,
    chosen_rejected,
    field_map,
    guanaco,
    oasst,
    openchat,
    reading,
    stackexchange,
    ultrafeedback,
    webgpt,
)
from dialogue.records import Dialogue, Message


def texts(dialogue: Dialogue) -> list[str]:
    return [message.content for message in dialogue.messages]


HISTORY = {"instruction": "Human:你好\nAssistant:您好！\nHuman:天气：如何?\nAssistant:", "input": "", "output": "晴。"}


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        (HISTORY, "belle"),
        ({"instruction": "User:a\nAssistant:b", "input": "User:c", "output": "d"}, "guanaco"),
        ({"instruction": "Human: is it one?", "input": "", "output": "An Alpaca row that says Human."}, "alpaca"),
        ({"instruction": "a", "input": "", "output": "b"}, "alpaca"),
    ],
)
def test_a_history_is_never_taken_for_a_single_turn(fields: dict[str, Any], name: str) -> None:
    assert [one.__name__.rpartition(".")[2] for one in reading.known() if one.recognise(fields)] == [name]


def test_belles_history_becomes_turns() -> None:
    assert texts(belle.from_object(HISTORY)) == ["你好", "您好！", "天气：如何?", "晴。"]


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        ("Human:a\nHuman:b\nAssistant:", "turn 2 of the history"),
        ("Human:a\nAssistant:b\nHuman:c", "open `Assistant:`"),
        ("Hello\nHuman:a\nAssistant:", "does not begin with Human:"),
        ("", "open `Assistant:`"),
        ("Human:\nAssistant:", "a turn is empty"),
    ],
)
def test_a_broken_history_is_refused(instruction: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        belle.from_object({"instruction": instruction, "output": "x"})


def test_belle_writes_a_row_for_each_answer() -> None:
    rows = [orjson.loads(line) for line in belle.to_line(belle.from_object(HISTORY)).splitlines()]
    assert [row["output"] for row in rows] == ["您好！", "晴。"]
    assert rows[1]["instruction"] == HISTORY["instruction"]


def test_guanacos_last_question_stands_in_the_input() -> None:
    for last in ("c", "User:c", "User: c"):
        fields = {"instruction": "User: a\nAssistant: b\n", "input": last, "output": "d"}
        assert texts(guanaco.from_object(fields)) == ["a", "b", "c", "d"]
    assert texts(guanaco.from_object({"instruction": "User: a\nAssistant:", "input": "", "output": "d"})) == ["a", "d"]


def test_belles_chat_is_read_only_when_it_is_asked_for() -> None:
    fields = {
        "instruction": "李雷和韩梅梅在图书馆。",
        "input": "",
        "output": "李雷：你好。\n韩梅梅：你好，\n在看什么？\n李雷：小说。\n韩梅梅：哦。",
    }
    assert [one.__name__.rpartition(".")[2] for one in reading.known() if one.recognise(fields)] == ["alpaca"]
    found = belle_chat.from_object(fields)
    assert texts(found) == ["李雷和韩梅梅在图书馆。", "你好。", "你好，\n在看什么？", "小说。", "哦。"]
    assert found.seed.extra["names"] == ["李雷", "韩梅梅"]
    with pytest.raises(ValueError, match="two who speak in turn"):
        belle_chat.from_object({**fields, "output": "A: a\nA: b\nB: c"})


def test_alpacas_input_stands_below_its_instruction_and_comes_back() -> None:
    fields = {
        "instruction": "Translate.",
        "input": "Guten Tag",
        "output": "Hello",
        "history": [["a", "b"]],
        "system": "s",
    }
    found = alpaca.from_object(fields)
    assert texts(found) == ["s", "a", "b", "Translate.\n\nGuten Tag", "Hello"]
    assert orjson.loads(alpaca.to_line(found)) == {"id": found.id, **fields}


def tree(*replies: Any, text: str = "q", role: str = "prompter", **more: Any) -> dict[str, Any]:
    return {"text": text, "role": role, "replies": list(replies), **more}


TREE = {
    "message_tree_id": "t",
    "prompt": tree(
        tree(text="bad", role="assistant", rank=1),
        tree(
            tree(text="more"),
            tree(tree(text="end", role="assistant"), text="else"),
            text="good",
            role="assistant",
            rank=0,
        ),
        lang="en",
    ),
}


def test_a_tree_gives_its_best_path_all_paths_or_pairs() -> None:
    assert texts(oasst.from_object(TREE)) == ["q", "good"]
    assert [texts(one) for one in oasst.several(TREE, "all")] == [
        ["q", "good"],
        ["q", "good", "else", "end"],
        ["q", "bad"],
    ]
    (pair,) = oasst.several(TREE, "pairs")
    assert texts(pair) == ["q", "good"]
    assert pair.messages[-1].candidates == [{"content": "good", "score": 0}, {"content": "bad", "score": -1}]
    assert pair.seed.language == "en"


def test_flat_rows_of_real_trees_are_put_together(shared: Path) -> None:
    rows = orjson.loads((shared / "data/formats/oasst/realistic_seed_data.json").read_bytes())
    trees, left = oasst.whole((str(number), row) for number, row in enumerate(rows))
    assert (len(trees), left) == (74, [])
    assert Counter(row["parent_message_id"] is None for row in rows)[True] == 74
    found, refused = [], []
    for place, fields in trees:
        try:
            found.append(oasst.from_object(fields))
        except ValueError as error:
            refused.append((place, str(error)))
    assert len(found) == 72
    # the file itself holds two assistant's messages below assistant's messages
    assert refused == [
        (place, f"a message of depth {depth} is the assistant's; prompter and assistant take turns")
        for place, depth in (("150", 9), ("182", 5))
    ]
    assert Counter(len(one.messages) % 2 for one in found) == {0: 72}


def test_a_message_that_answers_itself_is_no_tree() -> None:
    with pytest.raises(ValueError, match="take turns"):
        oasst.from_object({"prompt": tree(tree(text="b"))})


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "q", "chosen": "good", "rejected": "bad"},
        {
            "prompt": [{"role": "user", "content": "q"}],
            "chosen": [{"role": "assistant", "content": "good"}],
            "rejected": "bad",
        },
        {
            "prompt": "q",
            "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "good"}],
            "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "bad"}],
        },
        {
            "conversations": [{"from": "human", "value": "q"}],
            "chosen": {"from": "gpt", "value": "good"},
            "rejected": {"from": "gpt", "value": "bad"},
        },
        {"instruction": "q", "input": "", "chosen": "good", "rejected": "bad"},
        {"chosen": "\n\nHuman: q\n\nAssistant: good", "rejected": "\n\nHuman: q\n\nAssistant: bad"},
        {"chosen": "Human: \nq\n\nAssistant: \ngood", "rejected": "Human: \nq\n\nAssistant: \nbad"},
    ],
)
def test_pairs_are_read_in_all_their_shapes(fields: dict[str, Any]) -> None:
    found = chosen_rejected.from_object(fields)
    assert texts(found) == ["q", "good"]
    assert found.messages[-1].candidates == [{"content": "good"}, {"content": "bad"}]
    again = chosen_rejected.from_object(orjson.loads(chosen_rejected.to_line(found)))
    assert again.messages == found.messages


def test_a_pair_that_differs_earlier_is_refused() -> None:
    with pytest.raises(ValueError, match="differ before"):
        chosen_rejected.from_object({"chosen": "Human: a\n\nAssistant: b", "rejected": "Human: c\n\nAssistant: d"})


@pytest.mark.parametrize(
    ("upvotes", "accepted", "score"),
    [(0, False, 0), (0, True, 1), (1, False, 1), (9, False, 3), (9, True, 4), (-1, True, -1), (1000, True, 11)],
)
def test_stackllamas_score(upvotes: int, accepted: bool, score: int) -> None:
    assert stackexchange.score(upvotes, accepted) == score


def test_all_answers_of_a_question_stay_with_their_scores() -> None:
    answers = [{"text": "so", "upvotes": 3, "accepted": False}, {"text": "thus", "upvotes": 0, "accepted": True}]
    found = stackexchange.from_object({"qid": 7, "question": "How?", "answers": answers})
    assert (found.id, texts(found)) == ("7", ["How?", "so"])
    assert [one["score"] for one in found.messages[-1].candidates or [] if isinstance(one, dict)] == [2, 1]


def test_ultrafeedback_keeps_critiques_and_ratings() -> None:
    completions = [
        {
            "model": "a",
            "response": "x",
            "overall_score": 3.0,
            "critique": "short",
            "annotations": {"honesty": {"Rating": "4"}},
        },
        {
            "model": "b",
            "response": "y",
            "overall_score": 8.5,
            "critique": "fine",
            "annotations": {"honesty": {"Rating": "5"}},
        },
    ]
    fields = {"source": "s", "instruction": "q", "models": ["a", "b"], "completions": completions}
    found = ultrafeedback.from_object(fields)
    assert texts(found) == ["q", "y"]
    assert orjson.loads(ultrafeedback.to_line(found)) == {"id": found.id, **fields}


def test_webgpts_question_may_be_an_object() -> None:
    fields = {
        "question": {"full_text": "q", "id": 1},
        "answer_0": "a",
        "score_0": -0.5,
        "answer_1": "b",
        "score_1": 0.5,
    }
    found = webgpt.from_object(fields)
    assert texts(found) == ["q", "b"]


def test_openchats_weights_and_condition_stay() -> None:
    fields = {
        "items": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0.1}],
        "condition": "GPT3",
    }
    found = openchat.from_object(fields)
    assert found.messages[1].weight == 0.1
    assert orjson.loads(openchat.to_line(found)) == {"id": found.id, **fields}
    old = {"items": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], "model": "GPT-4"}
    assert texts(openchat.from_object(old)) == ["q", "a"]


MAPPED: dict[str, tuple[dict[str, Any], list[str]]] = {
    "hc3": ({"question": "q", "human_answers": ["h"], "chatgpt_answers": ["a", "b"], "source": "wiki"}, ["q", "a"]),
    "oig": ({"text": "<human>: q\n<bot>: a\n<human>: r\n<bot>: b", "metadata": {}}, ["q", "a", "r", "b"]),
    "firefly": ({"kind": "Poem", "input": "q", "target": "a"}, ["q", "a"]),
    "coig": ({"instruction": "s", "conversations": [{"question": "q", "answer": "a"}]}, ["s", "q", "a"]),
    "psyqa": (
        {"question": "q", "description": "d", "answers": [{"answer_text": "a"}], "keywords": "k"},
        ["q\n\nd", "a"],
    ),
    "openorca": ({"id": "1", "system_prompt": "s", "question": "q", "response": "a"}, ["s", "q", "a"]),
    "capybara": ({"source": "x", "conversation": [{"input": "q", "output": "a"}]}, ["q", "a"]),
    "query_response": ({"query": "q", "response": "a", "type": "GSM_SV"}, ["q", "a"]),
    "question_answer": ({"question": "q", "answer": "a"}, ["q", "a"]),
}


@pytest.mark.parametrize("name", field_map.shipped())
def test_each_shipped_map_reads_its_layout(name: str) -> None:
    fields, wanted = MAPPED[name]
    found = field_map.loaded(field_map.FOLDER / f"{name}.toml")
    assert found.recognise(fields)
    assert texts(found.from_object(fields)) == wanted
    assert not found.recognise({"messages": []})


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('user = ["q"]', "expected one of"),
        ('user = ["q"]\nassistant = "a"\n[pairs]\nfield = "f"\nuser = "q"\nassistant = "a"', "expected one of"),
        ('user = ["q"]\nassistant = "a"\ncolour = "red"', "colour"),
        ("user = [", "Invalid value"),
        ('user = "q"\nassistent = "a"', "unknown key 'assistent'; did you mean assistant"),
    ],
)
def test_a_map_that_says_nothing_or_too_much_is_refused(tmp_path: Path, toml: str, said: str) -> None:
    (tmp_path / "own.toml").write_text(toml)
    with pytest.raises(UsageError, match=f"own.toml.*{said}"):
        field_map.loaded(tmp_path / "own.toml")


def test_a_map_of_ones_own_takes_the_best_scored_candidate(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('user = ["q"]\nassistant = "a"\ntext = "body"\nscore = "votes"')
    found = field_map.loaded(tmp_path / "own.toml")
    fields = {"q": "q", "a": [{"body": "x", "votes": 1}, {"body": "y", "votes": 2}], "id": 3}
    assert texts(found.from_object(fields)) == ["q", "y"]
    with pytest.raises(ValueError, match=r"a\.1: body: is missing"):
        found.from_object({"q": "q", "a": [{"votes": 1}]})


def test_what_is_said_of_an_object_is_one_line() -> None:
    with pytest.raises(ValueError, match="seed: expected an object"):
        reading.named("messages").from_object({"messages": [], "seed": 1, "foreign": 2})


def test_messages_of_no_tree_are_named() -> None:
    rows = [
        {"message_id": "a", "parent_id": "b", "text": "x", "role": "prompter"},
        {"message_id": "b", "parent_id": "a", "text": "y", "role": "assistant"},
        {"message_id": "c", "parent_id": None, "text": "q", "role": "prompter"},
        {"message_id": "c", "parent_id": None, "text": "again", "role": "prompter"},
    ]
    trees, left = oasst.whole((str(number), row) for number, row in enumerate(rows))
    assert [fields["prompt"]["text"] for _, fields in trees] == ["q"]
    assert left == [
        ("3", "a second message with the id c"),
        ("0", "its parents lead round in a circle"),
        ("1", "its parents lead round in a circle"),
    ]


def test_what_is_said_of_an_answer_never_stands_for_it() -> None:
    completions = [
        {"response": "a", "overall_score": 1, "content": "b", "score": [9]},
        {"response": "c", "overall_score": 0},
    ]
    fields = {"instruction": "q", "completions": completions}
    found = ultrafeedback.from_object(fields)
    assert texts(found) == ["q", "a"]
    assert orjson.loads(ultrafeedback.to_line(found))["completions"] == [{**completions[0]}, completions[1]]


@pytest.mark.parametrize(
    ("fields", "name", "said"),
    [
        (
            {
                "prompt": "q",
                "messages": [{"role": "user", "content": "q"}],
                "chosen": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
                "rejected": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "b"}],
            },
            "chosen_rejected",
            ["q", "a"],
        ),
        ({"instruction": "q", "input": "i", "response": "a"}, "alpaca", ["q\n\ni", "a"]),
        (
            {
                "instruction": "",
                "output": "",
                "conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}],
            },
            "sharegpt",
            ["q", "a"],
        ),
        (
            {"conversations": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]},
            "sharegpt",
            ["q", "a"],
        ),
    ],
)
def test_layouts_that_share_fields_are_told_apart(fields: dict[str, Any], name: str, said: list[str]) -> None:
    (found,) = [one for one in reading.known() if one.recognise(fields)]
    assert found.__name__.rpartition(".")[2] == name
    assert texts(found.from_object(fields)) == said


def test_a_script_of_many_lines_is_read_in_no_time() -> None:
    script = "\n".join(f"{'AB'[place % 2]}: line {place}" for place in range(20_000))
    assert len(belle_chat.from_object({"instruction": "s", "output": script}).messages) == 20_001


def test_a_map_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('user = ["q"]\nassistant = "a"\ntext = "body"')
    found = field_map.loaded(tmp_path / "own.toml")
    one = found.from_object({"q": "q", "a": [{"body": "x", "author": "n"}, {"body": "y"}], "system": "s"})
    assert one.seed.extra == {"system": "s"}
    assert (one.messages[-1].candidates or [])[0] == {"content": "x", "author": "n"}
    (tmp_path / "empty.toml").write_text('[history]\nfield = "t"\nuser = ""\nassistant = "B:"')
    with pytest.raises(UsageError, match=r"history\.user"):
        field_map.loaded(tmp_path / "empty.toml")


def test_a_single_name_stands_without_brackets(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('match = "q"\nuser = "q"\nassistant = "a"')
    found = field_map.loaded(tmp_path / "own.toml")
    assert found.about == "q"
    assert texts(found.from_object({"q": "x", "a": "y"})) == ["x", "y"]


def test_a_pair_needs_a_preference() -> None:
    answers = [{"content": "a", "score": 3}, {"content": "b", "score": 3}]
    user, last = Message(role="user", content="q"), Message(role="assistant", content="a", candidates=list(answers))
    with pytest.raises(ValueError, match="the same score"):
        chosen_rejected.to_line(Dialogue(id="x", messages=(user, last)))


def test_every_turn_with_a_better_and_a_worse_answer_is_a_pair() -> None:
    def turn(*scores: int | None) -> list[Message]:
        rows = [{"content": f"a{place}", "score": score} for place, score in enumerate(scores)]
        return [Message(role="user", content="q"), Message(role="assistant", content="a0", candidates=list(rows))]

    whole = Dialogue(id="x", messages=(*turn(3, 1), *turn(3, 3), *turn(2, 1, 0)))
    first, last = map(orjson.loads, chosen_rejected.to_line(whole).splitlines())
    assert (first["id"], len(first["prompt"]), first["rejected"][0]["content"]) == ("x-1", 1, "a1")
    assert (last["id"], len(last["prompt"]), last["rejected"][0]["content"]) == ("x", 5, "a2")
    assert chosen_rejected.losses(whole)[-1] == "turns whose candidates have no better and worse"
    plain = Dialogue(
        id="y", messages=(Message(role="user", content="q"), Message(role="assistant", content="a"), *turn(2, 1))
    )
    assert orjson.loads(chosen_rejected.to_line(plain))["id"] == "y"
    assert len(chosen_rejected.losses(plain)) == 1
    ends = Dialogue(id="z", messages=(*turn(2, 1), *turn(3, 3)))
    assert [orjson.loads(line)["id"] for line in chosen_rejected.to_line(ends).splitlines()] == ["z-1"]


@pytest.mark.parametrize("name", ["alpaca", "belle", "dolly", "oasst"])
def test_a_dialogue_with_tools_is_no_plain_one(name: str) -> None:
    call = Message(role="assistant", content="", tool_calls=[{"raw": "f()"}])
    result, answer = Message(role="tool", content="1"), Message(role="assistant", content="a")
    with pytest.raises(ValueError, match="tools are called"):
        reading.named(name).to_line(
            Dialogue(id="x", messages=(Message(role="user", content="q"), call, result, answer))
        )
