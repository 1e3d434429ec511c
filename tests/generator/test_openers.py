import asyncio
from collections import Counter
from collections.abc import Sequence

from generator.openers.pool import POOR_LISTS, Opener, Pool, Stream
from generator.openers.tree import Batch, Shelf
from prompts.roots import Root
from prompts.sector import Level

WORDS = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbour", "iris", "juniper", "kelp", "maple")


def line(level: str, number: int, column: int) -> str:
    """An opener that shares no three words running with any other."""
    first, second = WORDS[number % 12], WORDS[number // 12 % 12]
    return (
        f"{level} {number} asks {level}{column} {first} what {level}{number}-{column} {second} means {column}x{number}?"
    )


class Writer:
    """Answers each list after a delay of its own, so that lists arrive in another order than they were asked."""

    def __init__(self, *, delay: int = 0, repeat: bool = False) -> None:
        self.asked: list[str] = []
        self._delay = delay
        self._repeat = repeat

    async def __call__(self, batch: Batch) -> Sequence[str | None]:
        self.asked.append(batch.key)
        for _ in range((batch.number * 7 + self._delay) % 11):
            await asyncio.sleep(0)
        if self._repeat:
            return ["Why does bread rise in the oven at all?"] * batch.size
        return [line(batch.level.name, batch.number, column) for column in range(batch.size)]


def streams(writer: Writer, roots: int = 400, **weights: float) -> list[Stream]:
    found = []
    for name, weight in weights.items():
        level = Level.model_validate({"name": name, "from": "r", "template": "", "batch": 10, "what": name})
        shelf = Shelf(level, "en", [Root(what="Root", name=f"r{number}") for number in range(roots)], writer)
        found.append(Stream(f"en/{name}", weight, shelf))
    return found


async def take(n: int, writer: Writer, before: Sequence[Opener] = (), **weights: float) -> tuple[list[Opener], Pool]:
    texts = [opener.text for opener in before]
    pool = Pool(
        streams(writer, **weights),
        identify=lambda key: f"id-{key}",
        text_of=lambda index: texts[index],
        say=lambda text: None,
    )
    await pool.restore((opener.stream, opener.place, opener.text) for opener in before)
    found = list(before)
    async for opener in pool.openers(n, slots=16):
        texts.append(opener.text)
        found.append(opener)
    return found, pool


async def test_every_prefix_keeps_the_shares() -> None:
    found, _ = await take(200, Writer(), a=6, b=3, c=1)
    for end in (10, 50, 200):
        counts = Counter(opener.stream for opener in found[:end])
        assert abs(counts["en/a"] - 0.6 * end) <= 1
        assert abs(counts["en/c"] - 0.1 * end) <= 1


async def test_a_plan_is_a_prefix_of_every_longer_plan_whatever_the_order_of_arrival() -> None:
    short, _ = await take(60, Writer(delay=0), a=2, b=1)
    long, _ = await take(150, Writer(delay=5), a=2, b=1)
    assert short == long[:60]


async def test_a_pool_taken_up_again_goes_on_as_if_it_had_never_stopped() -> None:
    whole, _ = await take(150, Writer(), a=2, b=1)
    for cut in (1, 37, 149):
        assert (await take(150, Writer(), whole[:cut], a=2, b=1))[0] == whole


async def test_a_writer_that_says_the_same_each_time_ends_the_pool() -> None:
    writer = Writer(repeat=True)
    found, pool = await take(50, writer, a=1)
    assert len(found) == 1
    assert len(writer.asked) <= POOR_LISTS + 40
    assert pool.refused["near_in_list"] + pool.refused["near"] > 30


async def test_the_share_of_a_dry_stream_goes_to_the_others() -> None:
    writer = Writer()
    level = streams(writer, 400, a=1) + streams(writer, 1, b=1)
    found: list[Opener] = []
    pool = Pool(level, identify=str, text_of=lambda index: found[index].text, say=lambda text: None)
    async for opener in pool.openers(100, slots=8):
        found.append(opener)
    assert Counter(opener.stream for opener in found) == {"en/a": 97, "en/b": 3}


async def test_no_more_lists_are_asked_than_the_openers_need() -> None:
    writer = Writer()
    await take(30, writer, a=1)
    assert len(writer.asked) <= 12
