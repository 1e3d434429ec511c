import asyncio
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from generator.openers.tree import Batch, Shelf, shelves
from prompts.roots import Root
from prompts.sector import Level

NAMES = Level.model_validate(
    {"name": "leaf", "from": "roots", "template": "", "batch": 4, "passes": 2, "opener": False, "what": "Leaf"}
)
OPENERS = Level.model_validate({"name": "line", "from": "leaf", "template": "", "batch": 10, "what": "Line"})


def roots(count: int) -> list[Root]:
    return [Root(what="Root", name=f"r{number}") for number in range(count)]


class Grower:
    """Answers each list with names that tell where they stand, and remembers what it was asked."""

    def __init__(self, gap: int | None = None) -> None:
        self.asked: list[Batch] = []
        self._gap = gap

    async def __call__(self, batch: Batch) -> Sequence[str | None]:
        self.asked.append(batch)
        await asyncio.sleep(0)
        return [None if column == self._gap else f"{batch.number}.{column}" for column in range(batch.size)]


def tree(grower: Grower, count: int = 3) -> dict[str, Shelf]:
    return shelves([NAMES, OPENERS], "en", {"roots": roots(count)}, grower)


async def test_a_list_is_asked_once_however_many_wait_for_it() -> None:
    grower = Grower()
    shelf = tree(grower)["leaf"]
    await asyncio.gather(*(shelf.items(0) for _ in range(5)))
    assert [batch.number for batch in grower.asked] == [0]


async def test_a_later_pass_is_told_what_the_earlier_gave() -> None:
    grower = Grower()
    await tree(grower)["leaf"].items(3)  # root 0 again, after one list of each of the three roots
    assert grower.asked[-1].path == (("Root", "r0"),)
    assert grower.asked[-1].earlier == ("0.0", "0.1", "0.2", "0.3")


async def test_children_grow_from_the_first_item_of_every_list_before_the_second_of_any() -> None:
    shelf = tree(Grower())["line"]
    parents = [(await shelf.path(number) or ())[-1][1] for number in range(13)]
    assert parents == ["0.0", "1.0", "2.0", "0.1", "1.1", "2.1", "0.2", "1.2", "2.2", "0.3", "1.3", "2.3", "3.0"]


async def test_early_lists_are_short_and_later_ones_full() -> None:
    shelf = tree(Grower(), 30)["line"]
    assert [shelf.size(number) for number in (0, 29, 30, 59, 60, 200)] == [3, 3, 5, 5, 10, 10]


async def test_a_gap_grows_nothing_and_shifts_nothing() -> None:
    grower = Grower(gap=0)
    shelf = tree(grower)["line"]
    assert await shelf.items(0) == ()
    assert (await shelf.path(3) or ())[-1] == ("Leaf", "0.1")


def test_capacity_is_what_all_lists_could_hold() -> None:
    found = tree(Grower(), 30)
    assert found["leaf"].capacity == 30 * 2 * 4
    assert found["line"].batches == 240
    assert found["line"].capacity == 30 * 3 + 30 * 5 + 180 * 10


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 3), st.integers(1, 12))
def test_every_item_of_a_level_has_exactly_one_place(count: int, passes: int, batch: int) -> None:
    level = Level.model_validate(
        {"name": "x", "from": "r", "template": "", "batch": batch, "passes": passes, "what": "X"}
    )
    shelf = Shelf(level, "en", roots(count), Grower())
    places = [shelf.place(index) for index in range(shelf.capacity)]
    assert len(set(places)) == shelf.capacity == sum(shelf.size(number) for number in range(shelf.batches))
    assert all(column < shelf.size(number) for number, column in places)
