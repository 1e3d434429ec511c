"""Repetition: answers that loop are found, and what rightly says things again is not."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import talk

from dialogue.likeness import words
from dialogue.records import Message
from filters.engine.base import Drop
from filters.kernels.repeats import repeats
from filters.repetition import Repetition, shares

PROSE = (
    "Sourdough needs flour, water, salt and time. Feed the starter the evening before, and wait until it has doubled. "
    "Mix the dough by hand, fold it four times over two hours, and let it rest in a cool place until morning. "
    "A hot oven and a lid keep the crust thin; after twenty minutes the lid comes off and the colour follows."
)
SONG = """(Verse 1)
I left the harbour early with the lamps still burning low
The gulls were in the rigging and the wind began to blow
(Chorus)
Carry me over the water, carry me over the foam
Carry me over the hills again, carry me all the way home
(Verse 2)
The winter found us drifting where the northern current turns
We fed the stove with chair legs as an honest candle burns
(Chorus)
Carry me over the water, carry me over the foam
Carry me over the hills again, carry me all the way home
(Bridge)
And every mile behind us was a letter never sent
(Chorus)
Carry me over the water, carry me over the foam
Carry me over the hills again, carry me all the way home"""
LIST = "\n".join(
    f"{n}. In ten years, who is the most likely to {what}?"
    for n, what in enumerate(
        ["keep bees on the roof", "sail around Iceland", "write a cookbook", "forget a birthday", "adopt a goat",
         "open a bakery", "win a chess match", "run for mayor", "paint the office green", "learn to juggle"], 1)
)  # fmt: skip
TABLE = "Here are the opening hours of all our branches as you asked:\n\n" + "\n".join(
    [
        "| Day | Opens | Closes |",
        "|---|---|---|",
        *(f"| Day {n} | 9 in the morning | 6 in the evening |" for n in range(30)),
    ]
)
CODE = (
    "This program prints the same thing many times, as you wanted:\n\n```python\n"
    + 'print("hello world")\n' * 40
    + "```"
)


def reason(answer: str, **settings: float | None) -> str | None:
    outcome = Repetition(**settings).apply(talk("Please go on.", answer))
    return outcome.reason if isinstance(outcome, Drop) else None


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (PROSE + " " + PROSE.split(". ")[1] + ".", "repeated_sentences"),
        ("Bees dance to tell the others where to fly. " * 2, "repeated_sentences"),
        ("蜜蜂跳舞是为了告诉同伴花在哪里，而且说得很准。" * 2, "repeated_sentences"),
        (
            "1. Clay. Water it once a week and never let it stand in a saucer.\n"
            "2. Sand. Water it once a week and never let it stand in a saucer.\n"
            "3. Peat. Water it once a week and never let it stand in a saucer.",
            "repeated_item_sentences",
        ),
        ("\n".join([PROSE.replace(". ", ", "), *["I would like to visit the old town again"] * 9]), "duplicate_lines"),
        ("\n".join(f"{n}. I would like to visit the old town again" for n in range(1, 30)), "duplicate_lines"),
        ("very " * 200, "top_2_gram"),
        (", ".join(["the quick brown fox jumps over a lazy dog by the river"] * 12), "duplicate_5_grams"),
    ],
)
def test_a_loop_is_found(answer: str, expected: str) -> None:
    assert reason(answer) == expected


@pytest.mark.parametrize("answer", [PROSE, SONG, LIST, TABLE, CODE, "Ha ha ha ha ha!", "No. No. No.", "", "🐝" * 300])
def test_what_rightly_says_things_again_is_kept(answer: str) -> None:
    assert reason(answer) is None


def test_two_steps_of_a_list_may_share_a_sentence() -> None:
    steps = "1. Wash it. Rinse it well with cold water until nothing is left.\n"
    assert reason(steps + steps.replace("1. Wash", "2. Peel")) is None


def test_the_papers_own_limits_can_be_set() -> None:
    assert reason(SONG, most_duplicate_10_grams=0.10) == "duplicate_10_grams"
    assert reason(SONG, most_duplicate_line_characters=0.20) == "duplicate_line_characters"
    assert reason(PROSE + " " + PROSE.split(". ")[1] + ".", most_repeated_sentences=None) is None


def test_the_worst_answer_counts_and_the_evidence_shows_what_stands_again() -> None:
    looped = "Salt draws water out of the leaves at once. " * 3
    outcome = Repetition().apply(talk("hello", PROSE, "and?", looped, "thanks", PROSE))
    assert isinstance(outcome, Drop)
    assert outcome.evidence["message"] == 3
    assert outcome.evidence["again"] == "Salt draws water out of the leaves at once."
    assert outcome.evidence["value"] == 2
    assert "Salt draws" in str(outcome.evidence["text"])


def test_only_answers_are_measured() -> None:
    assert Repetition().measure(talk("Bees dance to tell the others where to fly. " * 20)) == {}


def test_runs_of_a_digit_are_found_in_every_turn_where_that_is_asked_for() -> None:
    vicuna = Repetition(most_digit_run=8)
    for dialogue in (talk("what is 1000000000 in words", "a billion"), talk("1/3?", "0.333333333333")):
        outcome = vicuna.apply(dialogue)
        assert isinstance(outcome, Drop)
        assert outcome.reason == "digit_run"
        assert Repetition().apply(dialogue) is dialogue
    assert isinstance(vicuna.apply(talk("what is 100000000 in words", "a hundred million")), Drop) is False


def naive(text: str, n: int) -> tuple[int, float, float]:
    """Times and share of the most frequent n-gram, share of what n-grams that stand further up cover."""
    found = words(text)
    sizes = [len(word.encode()) for word in found]
    grams = list(zip(*(found[i:] for i in range(n)), strict=False))
    counts = Counter(grams)
    most = max(counts.values())
    top = next(gram for gram in grams if counts[gram] == most)
    covered = {at + i for at, gram in enumerate(grams) if gram in grams[:at] for i in range(n)}
    share = min(1.0, most * sum(len(word.encode()) for word in top) / sum(sizes))
    return most, share, sum(sizes[at] for at in covered) / sum(sizes)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "bb", "ccc", "é", "字", "d d"]), max_size=40).map(" ".join), max_size=4))
def test_the_kernel_counts_as_a_naive_count_does(texts: list[str]) -> None:
    found = repeats(texts)
    for row, text in enumerate(texts):
        assert found.words[row] == len(words(text))
        for n in range(2, min(10, len(words(text))) + 1):
            times, top, again = naive(text, n)
            if times == 1:
                assert found.times[row, n] <= 1
                assert found.again[row, n] == 0
            else:
                assert found.times[row, n] == times
                assert found.top[row, n] == pytest.approx(top)
                assert found.again[row, n] == pytest.approx(again)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(alphabet="ab .!?\n-|`。字'\"1\ud800é", max_size=400), min_size=1, max_size=3))
def test_any_text_has_shares_between_0_and_1(texts: list[str]) -> None:
    for found in shares([text * 3 for text in texts]):
        assert all(0 <= value <= 1 for name, value in found.items() if not name.startswith("repeated"))


@settings(deadline=None)
@given(st.lists(st.text(max_size=60), max_size=5))
def test_many_at_once_have_the_verdicts_of_each(texts: list[str]) -> None:
    dialogues = [talk("go on", PROSE, text, text * 20, id=str(i)) for i, text in enumerate(texts)]
    repetition = Repetition()
    assert [verdict.outcome for verdict in repetition.verdicts(dialogues)] == list(map(repetition.apply, dialogues))


@pytest.mark.parametrize("part", ["a", "a b ", ". ", "\n", "```", "| ", "- ", "...", "1", '."', "。"])
def test_a_million_characters_of_anything_are_measured(part: str) -> None:
    message = Message(role="assistant", content=part * (1_000_000 // len(part)))
    measures = Repetition(most_digit_run=8).measure(talk("go on").model_copy(update={"messages": (message,)}))
    assert measures
    assert all(measure.value >= 0 for measure in measures.values())
