"""Assistants dealt to principles: balanced in a dialogue and over many, and by nothing but (run seed, id)."""

from collections import Counter
from itertools import product

import pytest

from generator.dealing import dealt

PRINCIPLES = ("helpful", "truthful", "honest", "considerate")
MANY = 6000


def hands(roles: list[str], run_seed: int = 0) -> list[dict[str, str]]:
    return [dict(dealt(roles, PRINCIPLES, run_seed, f"pf-{number}")) for number in range(MANY)]


def test_one_assistant_answers_by_every_principle() -> None:
    assert dealt(["assistant"], PRINCIPLES, 3, "pf-1") == dict.fromkeys(PRINCIPLES, "assistant")


@pytest.mark.parametrize("count", [2, 3, 4, 5, 17])
def test_each_is_used_once_before_any_is_used_twice(count: int) -> None:
    for hand in hands([f"assistant:{number}" for number in range(count)])[:500]:
        assert list(hand) == list(PRINCIPLES)
        used = sorted(Counter(hand.values()).values())
        assert used == {2: [2, 2], 3: [1, 1, 2]}.get(count, [1, 1, 1, 1])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_over_many_dialogues_every_pair_is_about_as_frequent(count: int) -> None:
    roles = [f"assistant:{number}" for number in range(count)]
    pairs = Counter(pair for hand in hands(roles) for pair in hand.items())
    assert set(pairs) == set(product(PRINCIPLES, roles))
    expected = MANY / count
    assert all(abs(found - expected) < 5 * expected**0.5 for found in pairs.values())


def test_any_two_principles_share_an_assistant_as_often_as_any_other_two() -> None:
    found = hands(["assistant:a", "assistant:b", "assistant:c"])
    twins = Counter(
        (one, other)
        for hand in found
        for place, one in enumerate(PRINCIPLES)
        for other in PRINCIPLES[place + 1 :]
        if hand[one] == hand[other]
    )
    assert all(abs(count - MANY / 6) < 5 * (MANY / 6) ** 0.5 for count in twins.values())
    assert len(twins) == 6


def test_the_order_of_the_list_plays_no_part_and_the_seed_does() -> None:
    assert hands(["assistant:a", "assistant:b"]) == hands(["assistant:b", "assistant:a"])
    assert hands(["assistant:a", "assistant:b"]) != hands(["assistant:a", "assistant:b"], run_seed=1)
