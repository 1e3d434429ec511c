"""How well words alone tell generated users from real ones: a logistic regression on words and pairs of words.

Turns are matched by length, since length tells the two apart without a word being read, and folds are cut between
dialogues, so that no turn is told by its neighbour. An AUC of 0.5 is chance, 1 is certainty.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.chance import hash64, rng
from dialogue.likeness import words
from evaluator.corpus.bounds import table
from evaluator.corpus.figure import Figure
from evaluator.corpus.resampling import Floats

FOLDS = 5
MOST_TURNS = 10_000
"""Of each side."""
SAMPLES = 200
TOLD = 15
"""Words of each side that are shown."""
UNIT = "AUC"


class Spoken(NamedTuple):
    """A user's turn and the dialogue that it stands in."""

    text: str
    dialogue: str


class Told(NamedTuple):
    """How well it can be told, and by which words: of the generated users, of the real ones."""

    auc: Figure
    generated: list[str]
    real: list[str]


def ready() -> None:
    """Raise ModuleNotFoundError where scikit-learn is not there, before any work is done."""
    import sklearn  # noqa: F401


def told_apart(generated: Sequence[Spoken], real: Sequence[Spoken], seed: int) -> Told:
    """The AUC of turns that the model has not learned from, with a bootstrap interval over dialogues."""
    ours, theirs = matched(generated, real, seed)
    turns, labels = [*ours, *theirs], np.array([1] * len(ours) + [0] * len(theirs))
    whose = np.unique(
        [f"{label}{turn.dialogue}" for turn, label in zip(turns, labels, strict=True)], return_inverse=True
    )
    owners = whose[1]
    fewest = min((len(np.unique(owners[labels == label])) for label in (0, 1) if len(turns)), default=0)
    if fewest < table().least:
        return Told(Figure(None, len(turns), UNIT, why=f"{fewest} dialogues of one side match in length"), [], [])
    from sklearn.feature_extraction.text import CountVectorizer  # of the extra `evaluate`
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    vectors = CountVectorizer(analyzer=grams, binary=True, min_df=2)
    model = make_pipeline(vectors, LogisticRegression(max_iter=1000))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=hash64("folds", seed) % 2**32)
    texts = [turn.text for turn in turns]
    scores = cross_val_predict(model, texts, labels, groups=owners, cv=folds, method="decision_function")
    low, high = _interval(labels, scores, owners, seed)
    model.fit(texts, labels)
    weights = model[-1].coef_[0]
    named = model[0].get_feature_names_out()
    order = np.argsort(weights)
    auc = Figure(float(roc_auc_score(labels, scores)), len(turns), UNIT, low, high)
    return Told(auc, [str(named[at]) for at in order[: -TOLD - 1 : -1]], [str(named[at]) for at in order[:TOLD]])


def grams(text: str) -> list[str]:
    """The words and the pairs of neighbouring words."""
    found = words(text)
    return [*found, *(" ".join(pair) for pair in pairwise(found))]


def matched(generated: Sequence[Spoken], real: Sequence[Spoken], seed: int) -> tuple[list[Spoken], list[Spoken]]:
    """As many turns of either side in each class of length; classes are a fifth of a doubling wide."""
    classes: defaultdict[int, tuple[list[Spoken], list[Spoken]]] = defaultdict(lambda: ([], []))
    for side, turns in enumerate((generated, real)):
        for turn in rng("matched", seed, side).sample(turns, min(len(turns), MOST_TURNS)):
            if size := len(words(turn.text)):
                classes[round(5 * np.log2(size))][side].append(turn)
    ours, theirs = [], []
    for _, (left, right) in sorted(classes.items()):
        n = min(len(left), len(right))
        ours += left[:n]
        theirs += right[:n]
    return ours, theirs


def _interval(labels: NDArray[np.int_], scores: Floats, owners: NDArray[np.intp], seed: int) -> tuple[float, float]:
    """The middle 95 % of the AUC over samples of dialogues."""
    from sklearn.metrics import roc_auc_score

    draw = np.random.default_rng(hash64("classifier", seed))
    n = int(owners.max()) + 1
    values: list[Any] = []
    for _ in range(SAMPLES):
        weights = np.bincount(draw.integers(n, size=n), minlength=n)[owners]
        if all(weights[labels == label].any() for label in (0, 1)):
            values.append(roc_auc_score(labels, scores, sample_weight=weights))
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)
