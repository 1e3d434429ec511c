"""Transcripts are read strictly: what was said comes out whole, and what is no conversation is refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.transcript import parse

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="[\r\ufeff"), min_size=1, max_size=80).map(str.strip)
SAID = st.lists(WORDS.filter(bool), min_size=2, max_size=12).map(lambda texts: texts[: len(texts) // 2 * 2])
TAGS = ("[Human]", "[AI]")


def written(texts: list[str], between: str = "\n") -> str:
    return between.join(f"{TAGS[number % 2]} {text}" for number, text in enumerate(texts))


@given(SAID, st.sampled_from(["\n", "\n\n", "\n \n"]))
def test_what_is_written_is_read_again_the_last_exchange_included(texts: list[str], between: str) -> None:
    said = parse(written(texts, between))
    assert [text for _, text in said] == texts
    assert [role for role, _ in said] == ["user", "assistant"] * (len(texts) // 2)


@given(SAID, st.data())
def test_a_transcript_that_lost_or_doubled_a_message_is_refused(texts: list[str], data: st.DataObject) -> None:
    parts = [f"{TAGS[number % 2]} {text}" for number, text in enumerate(texts)]
    place = data.draw(st.integers(0, len(parts) - 1))
    lost = parts[:place] + parts[place + 1 :]
    doubled = [*parts[: place + 1], *parts[place:]]
    for broken in (lost, doubled):
        with pytest.raises(ValueError, match=r"message \d+|no line begins"):
            parse("\n".join(broken))


@given(st.text(max_size=200))
def test_no_text_is_read_as_anything_but_a_conversation(text: str) -> None:
    for start in ("", "[Human] a\n[AI] b\n"):
        with suppress(ValueError):
            said = parse(start + text)
            assert len(said) % 2 == 0
            assert all(words.strip() for _, words in said)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no line begins with"),
        ("Human: hi\nAI: hello", "no line begins with"),
        ("Sure!\n[Human] hi\n[AI] hello", "'Sure!' stands before the first tag"),
        ("```\n[Human] hi\n[AI] hello\n```", "stands before the first tag"),
        ("[AI] hello\n[Human] hi", r"message 1 is \[AI\]'s, expected \[Human\]"),
        ("[Human] hi\n[Human] you there?\n[AI] hello", r"message 2 is \[Human\]'s, expected \[AI\]"),
        ("[Human] hi\n[AI] hello\n[Human] and now?", r"message 3 is \[Human\]'s and has no answer"),
        ("[Human] hi\n[AI] hello\n[Human] ", r"message 3, \[Human\]'s, is empty"),
        ("[Human]\n[AI] hello", r"message 1, \[Human\]'s, is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse(text)


def test_a_tag_within_a_line_is_text_and_a_colon_behind_a_tag_is_none() -> None:
    said = parse("\n[Human]: what does [AI] mean?\r\n[AI]： It is a tag:\n    [AI]\nNo more.\n")
    assert said == [("user", "what does [AI] mean?"), ("assistant", "It is a tag:\n    [AI]\nNo more.")]
