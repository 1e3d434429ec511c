from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.folder.ledger import Bitmap, Ledger

numbers = st.sets(st.integers(0, 300))


@given(numbers, numbers, st.integers(0, 300))
def test_a_bitmap_is_a_set_of_integers(added: set[int], removed: set[int], start: int) -> None:
    bitmap = Bitmap()
    for number in added:
        bitmap.add(number)
    other = Bitmap(bytes(bitmap))
    for number in removed:
        other.discard(number)
    assert len(bitmap) == len(added)
    assert len(other) == len(added - removed)
    assert [number for number in range(310) if number in bitmap] == sorted(added)
    assert list(bitmap.minus(other)) == sorted(added & removed)
    assert list(other.minus(bitmap)) == []
    assert list(bitmap.beyond(start)) == sorted(number for number in added if number >= start)


def test_a_bitmap_of_ten_million_takes_little_more_than_a_megabyte() -> None:
    bitmap = Bitmap()
    bitmap.add(9_999_999)
    assert len(bytes(bitmap)) == 1_250_000


def events() -> list[tuple[int, dict[str, Any]]]:
    said = [
        {"k": "turn", "i": 0},
        {"k": "turn", "i": 1},
        {"k": "turn", "i": 0},
        {"k": "fail", "i": 0, "at": [0, 2]},
        {"k": "spent", "i": 2},
        {"k": "done", "i": 1, "at": [1]},
        {"k": "retry", "i": 0, "at": [0, 2]},
        {"k": "turn", "i": 0},
        {"k": "fail", "i": 2, "at": [4]},
        {"k": "reply", "i": 3},
        {"k": "done", "i": 0, "at": [0, 2, 7]},
        {"k": "retry", "i": 2, "at": []},
    ]
    return list(enumerate(said))


def state(ledger: Ledger) -> tuple[object, ...]:
    return bytes(ledger.done), {i: (o.anchor, o.at) for i, o in ledger.open.items()}, ledger.failed


@pytest.mark.parametrize("saved", range(13))
@pytest.mark.parametrize("ended", range(13))
def test_a_replay_from_what_is_still_needed_gives_the_whole_state(saved: int, ended: int) -> None:
    whole, early = Ledger(), Ledger()
    for offset, event in events()[:ended]:
        whole.apply(event, offset)
        if offset < saved:
            early.apply(event, offset)
    resumed = Ledger(bytes(early.done), early.failed)
    for offset, event in events()[early.low(min(saved, ended)) : ended]:
        resumed.apply(event, offset)
    assert state(resumed) == state(whole)


def test_an_open_dialogue_needs_its_first_turn_or_its_reopening() -> None:
    ledger = Ledger()
    for offset, event in events()[:8]:
        ledger.apply(event, offset)
    assert ledger.low(99) == 4
    assert ledger.at(0) == [0, 2, 7]
    ledger.apply({"k": "done", "i": 2}, 8)
    assert ledger.low(99) == 6


@pytest.mark.parametrize("event", [{"k": "unheard"}, {"k": "turn"}, {}])
def test_what_is_no_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        Ledger().apply(event, 0)
