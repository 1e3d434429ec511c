"""A long text ends where a sentence does, and is otherwise what it was."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prompts.cutting import cut, tokens

SENTENCES = [
    "One two three.",
    "Dr. Hill paid 3.5 pounds!",
    "Is it so?",
    'He said "no."',
    "第一句话。",
    "第二句？",
    "and on",
]
TEXTS = st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=12).map(" ".join) | st.text(max_size=200)


@given(TEXTS, st.integers(1, 40))
@example("a\n\nb", 1)
def test_a_cut_is_a_beginning_within_the_room(text: str, most: int) -> None:
    kept = cut(text, most)
    assert text.startswith(kept)
    assert tokens(kept) <= most
    assert kept == text or tokens(text) > most


@given(st.lists(st.sampled_from(SENTENCES[:6]), min_size=2, max_size=30), st.integers(40, 200))
def test_where_sentences_are_short_a_cut_ends_one_and_leaves_no_room_for_the_next(said: list[str], most: int) -> None:
    kept = cut(" ".join(said), most)
    ends = [" ".join(said[:count]) for count in range(1, len(said) + 1)]
    assert kept == max((text for text in ends if tokens(text) <= most), key=len)


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("One two. Three four five.", 4, "One two."),
        ("One two.\nThree four five", 4, "One two."),
        ("A heading\nthree four five", 4, "A heading"),
        ("Ask Mr. Hill now. Or never.", 5, "Ask Mr. Hill now."),
        ("Ask Mr. Hill now. Or never.", 3, "Ask Mr."),
        ("It costs 3.50 here. Or there.", 4, "It costs 3.50"),
        ("“Is it?” he said. She left.", 7, "“Is it?” he said."),
        ("今天下雨。明天不下。", 6, "今天下雨。"),
        ("一直没有标点的一段话", 4, "一直没有"),
        ("one two three four five six", 4, "one two three"),
        ("Hi. " + "word " * 40, 20, "Hi." + " word" * 15),
        ("a,b,c,d", 1, "a,b,"),
        ("กขคง", 2, "กข"),
    ],
)
def test_a_sentence_ends_at_its_mark_and_not_at_a_title_or_a_figure(text: str, most: int, kept: str) -> None:
    assert cut(text, most) == kept


def test_room_for_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="0 tokens"):
        cut("a", 0)
