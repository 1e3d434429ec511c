"""Topics and coherence by TF-IDF: closed forms give what all pairs give."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from corpora import turns

from evaluator.corpus.resampling import Dialogues
from evaluator.corpus.vectors import BLOCK, TfIdf, Turn, coherence, cosine, topic


def dialogues(n: int, seed: int = 0, own: int = 12) -> list[list[Turn]]:
    """Dialogues of two rounds, each on words of its own among common ones."""
    draw = np.random.default_rng(seed)
    made = []
    for number in range(n):
        theme = 50 + 20 * number + draw.integers(0, 20, (4, own))
        made.append(turns(*(np.concatenate([words, draw.integers(0, 50, 12)]) for words in theme)))
    return made


def test_the_closed_form_is_the_mean_over_all_pairs() -> None:
    made = dialogues(40)
    texts = [np.concatenate([turn.ids for turn in one]) for one in made]
    space = TfIdf(texts)
    pairs = [cosine(space.vector(a), space.vector(b)) for a, b in combinations(texts, 2)]
    figure = topic(made, Dialogues(40))
    assert figure.value == pytest.approx(np.mean(pairs))
    assert figure.low is not None
    assert figure.high is not None
    assert figure.low < np.mean(pairs) < figure.high
    assert figure.why == "of 40 dialogues; the figure is meant of 500"


def test_the_interval_covers_the_figure_of_other_dialogues_of_the_kind() -> None:
    figure = topic(dialogues(BLOCK), Dialogues(BLOCK))
    others = [topic(dialogues(BLOCK, seed), Dialogues(BLOCK)).value for seed in range(1, 6)]
    assert figure.low is not None
    assert figure.high is not None
    spread = figure.high - figure.low
    assert all(value is not None and figure.low - spread < value < figure.high + spread for value in others)
    assert figure.why is None


def test_copies_have_a_cosine_of_one_and_strangers_of_nought() -> None:
    same = [turns([1, 2, 3], [4, 5])] * 6
    assert topic(same, Dialogues(6)).value == pytest.approx(1)
    apart = [turns([10 * number + 1], [10 * number + 2]) for number in range(6)]
    assert topic(apart, Dialogues(6)).value == pytest.approx(0)


def test_turns_that_answer_one_another_cohere_and_shuffled_ones_do_not() -> None:
    made = dialogues(60)
    found = coherence(made, Dialogues(60))
    assert found.difference.low is not None
    assert found.difference.low > 0.05
    assert found.difference.value == pytest.approx((found.adjacent.value or 0) - (found.random.value or 0))
    mixed = [
        [Turn(turn.role, made[(number + 7 * place) % 60][place].ids) for place, turn in enumerate(one)]
        for number, one in enumerate(made)
    ]
    strange = coherence(mixed, Dialogues(60)).difference
    assert strange.value == pytest.approx(0, abs=0.02)


def test_the_cosine_with_strangers_is_the_mean_over_all_of_them() -> None:
    made = dialogues(8)
    space = TfIdf([turn.ids for one in made for turn in one])
    far = []
    for number, one in enumerate(made):
        for turn, after in pairwise(one):
            others = [t for place, other in enumerate(made) if place != number for t in other if t.role == after.role]
            far.append(np.mean([cosine(space.vector(turn.ids), space.vector(other.ids)) for other in others]))
    assert coherence(made, Dialogues(8)).random.value == pytest.approx(np.mean(far))


def test_one_dialogue_has_neither_and_empty_turns_are_no_trouble() -> None:
    assert topic(dialogues(1), Dialogues(1)).value is None
    assert coherence(dialogues(1), Dialogues(1)).difference.value is None
    empty = [turns([], [])] * 3
    assert topic(empty, Dialogues(3)).value == 0
    assert coherence(empty, Dialogues(3)).adjacent.value == 0
