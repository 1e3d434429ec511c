from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialogue.chance import draw, hash64, hex64, rng, share


def test_a_hash_is_the_same_on_every_machine() -> None:
    assert hex64(0, "world-questions", "en/question/0/0") == "01fec38e43b863c4"


@given(st.lists(st.text(), min_size=2))
def test_parts_are_kept_apart(parts: list[str]) -> None:
    assert 0 <= share(*parts) < 1
    assert hash64(*parts) == hash64(*parts)
    assert rng(*parts).random() == rng(*parts).random()


@given(st.floats(0, 1, exclude_max=True))
def test_a_key_without_weight_is_never_drawn(u: float) -> None:
    assert draw({"a": 0, "b": 2, "c": 1, "d": 0}, u) in {"b", "c"}


def test_keys_are_drawn_by_their_weights() -> None:
    drawn = Counter(draw({"a": 3, "b": 1}, share("test", number)) for number in range(4000))
    assert 2900 < drawn["a"] < 3100


def test_weights_that_sum_to_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 0"):
        draw({"a": 0}, 0.5)
