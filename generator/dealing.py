"""Which of several assistants answers by which principle: dealt to each dialogue by chance, evenly over many."""

from collections.abc import Mapping, Sequence

from dialogue.chance import rng


def dealt(roles: Sequence[str], principles: Sequence[str], run_seed: int, id: str) -> Mapping[str, str]:
    """The role that answers by each principle, as drawn for (run seed, id); the order of `roles` plays no part.

    Every role is taken once before any is taken twice; where there are more roles than principles, as many are drawn.
    After UltraFeedback (arXiv 2310.01377), where four of 17 models answer a prompt, each by a principle drawn for it.
    """
    chance = rng(run_seed, id, "dealt")
    hand: list[str] = []
    while len(hand) < len(principles):
        hand += chance.sample(sorted(roles), len(roles))
    hand = hand[: len(principles)]
    chance.shuffle(hand)  # or the principles after the last full round would always share a role with one before
    return dict(zip(principles, hand, strict=True))
