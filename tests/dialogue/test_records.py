import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.records import Dialogue, Message, Seed, Usage, decode, encode

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT, st.dictionaries(st.text("abc"), TEXT))
def test_what_is_encoded_is_decoded_alike(question: str, answer: str, extra: dict[str, str]) -> None:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer, thoughts="hm"))
    usage = {"user": Usage(requests=1), "assistant": Usage(requests=2, prompt_tokens=0)}
    dialogue = Dialogue(id="wq-1", messages=messages, seed=Seed(topic="x", extra=dict(extra)), usage=usage)
    line = encode(dialogue)
    assert line.count(b"\n") == 1
    assert decode(orjson.loads(line)) == dialogue


def test_only_messages_is_required_and_the_id_is_then_made_from_the_content() -> None:
    fields = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    first, second = decode(fields), decode(fields)
    assert first.id == second.id != decode({"messages": fields["messages"][:1]}).id
    assert first.seed == Seed()


def test_an_id_may_be_a_number_and_no_truth_value() -> None:
    said = [{"role": "user", "content": "a"}]
    assert decode({"id": 7, "messages": said}).id == "7"
    assert decode({"id": 0, "messages": said}).id == "0"
    for odd in (True, 1.5, [7]):
        with pytest.raises(ValueError, match=r"^id: "):
            decode({"id": odd, "messages": said})


def test_foreign_keys_go_to_the_seed() -> None:
    dialogue = decode({"messages": [{"role": "user", "content": "a"}], "source": "x", "seed": {"topic": "t"}})
    assert dialogue.seed.topic == "t"
    assert dialogue.seed.extra == {"source": "x"}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"messages": []},
        {"messages": "a"},
        {"messages": [{"role": "bot", "content": "a"}]},
        {"messages": [{"role": "user"}]},
    ],
)
def test_a_wrong_shape_is_one_line_of_complaint(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError) as caught:
        decode(fields)
    assert "\n" not in str(caught.value)


def test_tokens_that_nobody_reported_are_not_zero() -> None:
    silent, counted = Usage(requests=1), Usage(requests=1, prompt_tokens=5)
    assert (silent + silent).prompt_tokens is None
    assert (silent + counted).prompt_tokens is None
    assert (Usage() + counted).prompt_tokens == 5
    assert (counted + counted).requests == 2


def test_optional_fields_of_a_message_appear_only_where_set() -> None:
    line = orjson.loads(encode(Dialogue(id="x", messages=(Message(role="user", content="a"),))))
    assert line["messages"] == [{"role": "user", "content": "a"}]
    assert line["cost_usd"] is None
