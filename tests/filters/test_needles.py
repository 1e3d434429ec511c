"""The quick look for many phrases at once."""

from hypothesis import given
from hypothesis import strategies as st

from dialogue.records import Message
from dialogue.tongues import UNBOUNDED, normal
from filters.engine.messages import evidence, exchanges, needles

PHRASES = st.lists(st.text("ab 'ü我们?.", min_size=1, max_size=6).map(str.strip).filter(bool), max_size=6)


@given(PHRASES, st.text("ab 'ü我们?.\n*", max_size=30))
def test_a_phrase_is_found_behind_a_space_or_mark_and_unspaced_scripts_anywhere(phrases, text):
    low = normal(text)
    spaced = " " + low.replace("\n", " ").replace("*", " ")
    expected = any(p in low if p[0] in UNBOUNDED else f" {p}" in spaced for p in phrases)
    assert needles(phrases).in_(low) == expected


def test_of_no_phrases_none_is_found():
    assert not needles(()).in_("anything 任何")


@given(st.text(max_size=600), st.integers(0, 600))
def test_evidence_is_clipped_around_its_place(text, at):
    found = evidence(3, text, min(at, len(text)), more=1)
    assert (found["message"], found["more"]) == (3, 1)
    assert len(found["text"]) == min(200, len(text))
    assert at >= len(text) or text[at] in found["text"]


def test_exchanges_run_from_user_to_user():
    roles = ["system", "user", "assistant", "tool", "user", "user", "assistant"]
    messages = [Message.model_validate({"role": role, "content": ""}) for role in roles]
    assert [list(span) for span in exchanges(messages)] == [[1, 2, 3], [4], [5, 6]]
    assert exchanges(messages[:1]) == []
