"""What is learned of a dialogue, and how much it counts."""

import numpy as np
import pytest
from hypothesis import given
from spoken import HOSTILE, UNHURRIED, dialogues, rendering, settings, talk, taught_text

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX
from trainer.text.examples import EMPTY, examples
from trainer.text.masks import EMPTY_ANSWER, EMPTY_QUESTION, ONLY_THOUGHTS, NoScore, rounds

TALK = talk("q", "a", "r", "b", system="s")


@UNHURRIED
@given(dialogues(HOSTILE))
def test_exactly_the_answers_and_their_ends_are_learned_whatever_was_typed(dialogue: Dialogue) -> None:
    made = rendering()
    example = made.encode(dialogue)
    end = made.tokenizer.convert_tokens_to_ids("<|im_end|>")
    answers = [m.content for m in dialogue.messages if m.role == "assistant"]
    wanted = [id for answer in answers for id in [*made.encoder.words([answer])[0], end]]
    assert example.input_ids[example.labels != IGNORE_INDEX].tolist() == wanted


@pytest.mark.parametrize(
    ("train_on", "taught"),
    [
        ("assistant", "a<|im_end|>·b<|im_end|>"),
        ("last", "b<|im_end|>"),
        ("user", "q<|im_end|>·r<|im_end|>"),
    ],
)
def test_what_is_learned_is_a_choice(train_on: str, taught: str) -> None:
    assert taught_text(rendering(train_on=train_on), TALK) == taught


def test_all_is_every_token() -> None:
    example = rendering(train_on="all").encode(TALK)
    assert np.array_equal(example.labels, example.input_ids)


def test_ids_do_not_depend_on_what_is_learned() -> None:
    texts = {
        rendering(train_on=choice).encode(TALK).input_ids.tobytes() for choice in ("assistant", "last", "user", "all")
    }
    assert len(texts) == 1


def test_moss_has_spans_without_loss_even_where_all_is_learned() -> None:
    messages = (
        Message(role="system", content="meta"),
        Message(role="user", content="q"),
        Message(role="assistant", content="", thoughts="t", tool_calls=["C()"]),
        Message(role="tool", content="found"),
        Message(role="assistant", content="a"),
    )
    made = rendering("moss", train_on="all", thoughts="keep")
    taught = taught_text(made, Dialogue(id="d", messages=messages))
    assert taught == (
        "<|Human|>: q<eoh>\n<|Inner Thoughts|>: t<eot>\n<|Commands|>: C()<eoc>\n"
        "<|Results|>:\n·\n<eor>\n<|MOSS|>: a<eom>\n"
    )
    answers = rendering("moss", thoughts="keep")
    assert taught_text(answers, Dialogue(id="d", messages=messages)) == (
        "<|Inner Thoughts|>: t<eot>\n<|Commands|>: C()<eoc>·<|MOSS|>: a<eom>"
    )


def test_a_message_counts_by_its_weight_and_not_at_all_by_weight_0() -> None:
    messages = (*TALK.messages[:2], TALK.messages[2].model_copy(update={"weight": 0.0}), *TALK.messages[3:4])
    last = TALK.messages[4].model_copy(update={"weight": 0.5})
    made = rendering(weight_by="weight")
    example = made.encode(Dialogue(id="d", messages=(*messages, last)))
    assert taught_text(made, Dialogue(id="d", messages=(*messages, last))) == "b<|im_end|>"
    assert sorted(set(example.weights.tolist())) == [0.0, 0.5]


def test_a_dialogue_counts_by_its_score_and_is_refused_without_one() -> None:
    made = rendering(weight_by="scores.quality")
    scored = TALK.model_copy(update={"scores": {"quality": 3}})
    assert set(made.encode(scored).weights.tolist()) == {0.0, 3.0}
    audit = Audit()
    assert examples(TALK, made, made.settings, audit) == []
    assert audit.refused == {"no score quality": 1}


def test_scores_of_the_answers_alone_are_enough() -> None:
    made = rendering(weight_by="scores.quality")
    first, second = (
        talk("q", answer).messages[1].model_copy(update={"scores": {"quality": score}})
        for answer, score in (("a", 0.5), ("b", 2))
    )
    dialogue = Dialogue(id="d", messages=(TALK.messages[1], first, TALK.messages[3], second))
    assert set(made.encode(dialogue).weights.tolist()) == {0.0, 0.5, 2.0}
    with pytest.raises(NoScore, match="quality"):
        rendering(weight_by="scores.quality", train_on="user").encode(dialogue)


@pytest.mark.parametrize("name", ["score.quality", "quality", "scores.", "weights"])
def test_a_weight_of_no_known_kind_is_an_error_before_any_dialogue(name: str) -> None:
    with pytest.raises(UsageError, match=r"weight_by = .*: `weight`, or `scores.` and the name of a score"):
        rendering(weight_by=name)


@pytest.mark.parametrize("score", [-1, "good", True, float("nan")])
def test_a_score_that_is_no_weight_is_an_error_with_the_dialogues_id(score: object) -> None:
    made = rendering(weight_by="scores.quality")
    with pytest.raises(UsageError, match="dialogue d: quality = "):
        made.encode(TALK.model_copy(update={"scores": {"quality": score}}))


def test_a_class_counts_by_its_weight() -> None:
    made = rendering("openchat", classes={"gpt-4": "GPT4", "default": "GPT3"}, weights={"GPT4": 1.0, "GPT3": 0.1})
    weights = made.encode(TALK).weights
    assert set(weights[weights > 0].tolist()) == {np.float32(0.1)}


def test_a_weight_of_no_class_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"weights.GPT5 = 1.0: no such class in `classes` \(there are: GPT4\)"):
        rendering("openchat", classes={"default": "GPT4"}, weights={"GPT5": 1.0})


def test_a_dialogue_with_nothing_to_learn_is_refused_and_counted() -> None:
    audit = Audit()
    made = rendering()
    assert examples(talk("q"), made, made.settings, audit) == []
    assert (audit.dialogues, audit.examples, audit.refused) == (1, 0, {EMPTY: 1})


def test_rounds_begin_where_the_user_takes_the_floor() -> None:
    roles = ("system", "user", "user", "assistant", "tool", "assistant", "user", "assistant")
    assert rounds([Message(role=role, content="") for role in roles]) == [(1, 6), (6, 8)]
    assert rounds([Message(role="assistant", content="")]) == [(0, 1)]
    assert rounds([]) == []


def test_thoughts_need_a_place_in_the_template() -> None:
    with pytest.raises(UsageError, match="thoughts = keep: template vicuna has no place"):
        rendering("vicuna", thoughts="keep")
    assert settings().thoughts == "none"


def _mixed(*weights: float | None) -> Dialogue:
    spoken = talk("q", "a", "r", "b", "s", "c")
    told = iter(weights)
    messages = [one if one.role == "user" else one.model_copy(update={"weight": next(told)}) for one in spoken.messages]
    return spoken.model_copy(update={"messages": tuple(messages)})


@pytest.mark.parametrize(
    ("train_on", "weights", "taught"),
    [
        ("assistant", (0, None, 1), "b<|im_end|>·c<|im_end|>"),
        ("assistant", (0, 0, None), "c<|im_end|>"),
        ("last", (None, 1, 0), "b<|im_end|>"),
        ("user", (0, 0, 0), "q<|im_end|>·r<|im_end|>·s<|im_end|>"),
    ],
)
def test_an_answer_of_weight_0_is_read_and_not_learned_though_nothing_goes_by_weight(
    train_on: str, weights: tuple[float | None, ...], taught: str
) -> None:
    assert taught_text(rendering(train_on=train_on), _mixed(*weights)) == taught


def test_where_all_is_learned_an_answer_of_weight_0_is_not() -> None:
    made = rendering(train_on="all")
    taught = taught_text(made, _mixed(0, None, None))
    assert taught.startswith("<|im_start|>user\nq<|im_end|>·\n<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb")
    assert taught.endswith("b<|im_end|>\n<|im_start|>user\ns<|im_end|>\n<|im_start|>assistant\nc<|im_end|>\n")


@pytest.mark.parametrize(
    ("answer", "train_on", "thoughts", "reason"),
    [
        (Message(role="assistant", content=""), "assistant", "none", EMPTY_ANSWER),
        (Message(role="assistant", content=" \n"), "last", "keep", EMPTY_ANSWER),
        (Message(role="assistant", content=""), "all", "none", EMPTY_ANSWER),
        (Message(role="assistant", content=""), "user", "none", None),
        (Message(role="assistant", content="", weight=0), "assistant", "none", "nothing to learn"),
        (Message(role="assistant", content="", thoughts="t"), "assistant", "keep", None),
        (Message(role="assistant", content="", thoughts="t"), "assistant", "per_turn", None),
        (Message(role="assistant", content="", thoughts="t"), "assistant", "none", ONLY_THOUGHTS),
        (Message(role="assistant", content="", thoughts=" "), "assistant", "keep", EMPTY_ANSWER),
        (Message(role="assistant", content="", tool_calls=["look()"]), "assistant", "none", None),
    ],
)
def test_an_answer_that_says_nothing_is_not_taught(
    answer: Message, train_on: str, thoughts: str, reason: str | None
) -> None:
    made, audit = rendering(train_on=train_on, thoughts=thoughts), Audit()
    question = Message(role="user", content="q")
    found = examples(Dialogue(id="d", messages=(question, answer)), made, made.settings, audit)
    assert audit.refused == ({} if reason is None else {reason: 1})
    assert bool(found) == (reason is None)


def test_a_user_who_is_learned_says_something() -> None:
    made, audit = rendering(train_on="user"), Audit()
    assert examples(talk("q", "a", " ", "b"), made, made.settings, audit) == []
    assert audit.refused == {EMPTY_QUESTION: 1}
    assert len(examples(talk("", "b"), rendering(), rendering().settings, audit)) == 1
