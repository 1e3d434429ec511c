"""From prepared shards to the documents that are dropped: candidates, exact similarities, choice, account."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dialogue.disk import writing_to
from filters.engine.base import Copies, Corpus
from filters.near.account import Account, Asked
from filters.near.bands import Field
from filters.near.candidates import Found, candidates
from filters.near.choice import Kept
from filters.near.classes import Classes, alive_in, chosen, classes, earlier_of, linked, repeats
from filters.near.documents import Documents, Numbers
from filters.near.planted import Planted, planted
from filters.near.shards import write_grams
from filters.near.verify import Pairs, equal, merged, packed, verified, without

_ROUNDS = 12
"""How often at most those are looked at again who are still kept and stood in large buckets: until no pair is new."""


def decide(corpus: Corpus, asked: Asked) -> Copies:
    """Copies among the living documents, and a report."""
    with TemporaryDirectory(prefix="planted-") as folder:
        folders = [shard.folder for shard in corpus.shards]
        distinct = _distinct(corpus, Documents(folders, asked.ngram, asked.perms))
        plants = _planted(distinct, asked)
        with writing_to(Path(folder)):
            write_grams(Path(folder), plants.grams, asked.ngram, asked.perms)
        return _decide(corpus, distinct, plants, Documents([*folders, Path(folder)], asked.ngram, asked.perms), asked)


class _Distinct(NamedTuple):
    """Documents of unlike content."""

    documents: Documents
    alive: int
    """Documents that are asked about."""
    numbers: Numbers
    """Those that are compared, ascending: alive, not a copy of a lower number, at least one word long."""
    earlier: NDArray[np.bool_]
    """(numbers,) earlier data, or a copy is."""
    sets: NDArray[np.uint64]
    """(numbers,)"""
    contents: NDArray[np.uint64]
    """(documents,) equal for texts of the same n-grams."""
    copies: Numbers
    of: Numbers
    """Document copies[i] has the n-grams of of[i], the lowest number that has them."""


def _distinct(corpus: Corpus, documents: Documents) -> _Distinct:
    alive, earlier, sets = alive_in(corpus), earlier_of(corpus), documents.sets()
    living = np.flatnonzero(alive)
    copies, of = repeats(living, sets[living])
    order = np.argsort(of, kind="stable")
    same = order[equal(documents, of[order], copies[order])]
    copies, of = copies[same], of[same]
    earlier[of[earlier[copies]]] = True
    alive[copies] = False
    numbers = np.flatnonzero(alive & (documents.sizes > 0))
    return _Distinct(documents, len(living), numbers, earlier[numbers], sets[numbers], sets, copies, of)


def _planted(distinct: _Distinct, asked: Asked) -> Planted:
    new = ~distinct.earlier
    numbers, sets = distinct.numbers[new], distinct.sets[new]
    return planted(distinct.documents, numbers, sets, asked.threshold, asked.ngram, asked.planted)


def _decide(corpus: Corpus, distinct: _Distinct, plants: Planted, documents: Documents, asked: Asked) -> Copies:
    field = _field(distinct, documents, asked.perms)
    found = candidates(field, asked.shape, asked.threshold)
    pairs = verified(documents, found.pairs, asked.threshold)
    real = pairs.below(len(distinct.documents))
    large = distinct.numbers[found.large[: field.real]]
    concerned = np.unique(np.concatenate([real.a, real.b, large, distinct.copies, distinct.of]))
    scores, contents = documents.scores(concerned), distinct.contents[concerned]
    groups = classes(corpus, concerned, distinct.copies, distinct.of, scores, contents)
    pairs, capped = _led(field, found, pairs, groups, asked)
    links = linked(groups, pairs.below(len(distinct.documents)))
    kept = chosen(groups, links, asked.greedy)
    if not asked.greedy:
        kept = kept._replace(jaccard=_similarities(documents, groups, kept.by))
    account = Account(asked, distinct.alive, groups, links, kept, capped)
    ghosts = pairs.where(pairs.b >= len(distinct.documents))
    details = account.details(plants, ghosts.a, ghosts.b - len(distinct.documents))
    return Copies(*groups.dropped(kept), details, account.lines())


def _field(distinct: _Distinct, documents: Documents, perms: int) -> Field:
    """All that are compared, the planted copies behind the others."""
    ghosts = np.arange(len(distinct.documents), len(documents))
    numbers = np.concatenate([distinct.numbers, ghosts])
    earlier = np.concatenate([distinct.earlier, np.zeros(len(ghosts), np.bool_)])
    field = Field(documents, numbers, earlier, len(distinct.numbers), np.empty((0, 0), np.uint8))
    return field.with_sketches(perms)


def _led(field: Field, found: Found, pairs: Pairs, groups: Classes, asked: Asked) -> tuple[Pairs, int]:
    """The pairs with those that large buckets give as well, and how many of these could not be compared in full."""
    large, tried, capped = np.flatnonzero(found.large), found.pairs, 0
    large, ghosts = large[large < field.real], large[large >= field.real]
    held, documents, real = groups.holding(field.numbers[large]), field.documents, int(field.documents.first[-2])
    for _ in range(_ROUNDS if len(large) else 0):
        links = linked(groups, pairs.below(real))
        kept = chosen(groups, links, asked.greedy)
        stays = np.flatnonzero(kept.by[held] == held)
        preferred = large[stays[np.argsort(held[stays])]]
        part = field.part(np.concatenate([preferred, ghosts]), len(preferred))
        found = candidates(part, asked.shape, asked.threshold, lead=True)
        fresh = without(merged(found.pairs, _inherited(groups, links, kept, held[stays])), tried)
        more = verified(documents, fresh, asked.threshold)
        tried, pairs, capped = merged(tried, fresh), pairs.and_(more), found.capped
        if not len(more.below(real).a):
            break
    return pairs, capped


def _inherited(groups: Classes, links: Pairs, kept: Kept, held: Numbers) -> NDArray[np.uint64]:
    """Packed pairs of those of these classes that resemble something dropped, with what is kept instead of that."""
    free = np.zeros(len(groups), np.bool_)
    free[held] = True
    gone = kept.by != np.arange(len(groups))
    dropped, left = np.concatenate([links.a, links.b]), np.concatenate([links.b, links.a])
    chosen = gone[dropped] & free[left] & (kept.by[dropped] != left)
    one, two = kept.by[dropped[chosen]], left[chosen]
    earlier = groups.earlier[groups.best]
    new = ~(earlier[one] & earlier[two])
    one, two = groups.first[one[new]], groups.first[two[new]]
    return merged(packed(np.minimum(one, two), np.maximum(one, two)))


def _similarities(documents: Documents, groups: Classes, by: Numbers) -> NDArray[np.float64]:
    """How alike each class is to the one that is kept instead of it."""
    best = groups.members[groups.best]
    gone = np.flatnonzero(by != np.arange(len(groups)))
    order = np.argsort(packed(best[by[gone]], best[gone]))
    similarities = np.ones(len(groups))
    similarities[gone[order]] = verified(documents, packed(best[by[gone]], best[gone])[order], 0.0).jaccard
    return similarities
