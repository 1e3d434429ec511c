"""What is drawn is drawn as transformers draws it, by a chance that is counted."""

import random

import pytest
import torch

from trainer.serving.sampling import Said, Sampling, Turn, chance, draw, probabilities, scores


def warped(logits: torch.Tensor, sampling: Sampling, prompt: list[int]) -> torch.Tensor:
    """The same by transformers' own processors."""
    from transformers import (
        RepetitionPenaltyLogitsProcessor,
        TemperatureLogitsWarper,
        TopKLogitsWarper,
        TopPLogitsWarper,
    )

    logits = RepetitionPenaltyLogitsProcessor(sampling.repetition_penalty)(torch.tensor([prompt]), logits[None].clone())
    logits = TemperatureLogitsWarper(sampling.temperature)(None, logits)
    if sampling.top_k:
        logits = TopKLogitsWarper(sampling.top_k)(None, logits)
    if sampling.top_p < 1:
        logits = TopPLogitsWarper(sampling.top_p)(None, logits)
    return logits.softmax(-1)[0]


@pytest.mark.parametrize("vocabulary", [50, 1000])
def test_temperature_penalty_top_k_and_top_p_are_those_of_transformers(vocabulary: int) -> None:
    torch.manual_seed(0)
    samplings = [
        Sampling(temperature=temperature, top_k=top_k, top_p=top_p, repetition_penalty=penalty)
        for temperature in (0.3, 1.0, 2.0)
        for top_k in (0, 1, 7, 5000)
        for top_p in (0.1, 0.9, 1.0)
        for penalty in (1.0, 1.5)
    ]
    logits = torch.randn(len(samplings), vocabulary)
    prompt = [1, 4, 4, 9]
    turns = [Turn(one, 0.5, Said(frozenset(prompt)) if one.penalised else None) for one in samplings]
    found = probabilities(scores(logits, turns), samplings)
    expected = torch.stack([warped(row, one, prompt) for row, one in zip(logits, samplings, strict=True)])
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_presence_and_frequency_are_taken_off_what_the_reply_holds() -> None:
    said = Said(frozenset([0, 1]))
    for token in (2, 2, 2, 3):
        said.add(token)
    sampling = Sampling(presence_penalty=0.5, frequency_penalty=0.25)
    assert scores(torch.zeros(1, 5), [Turn(sampling, 0.5, said)])[0].tolist() == [0, 0, -1.25, -0.75, 0]


def test_tokens_come_as_often_as_their_probability_says() -> None:
    logits = torch.tensor([[2.0, 1.0, 0.0, -1.0, -torch.inf]])
    sampling = Sampling(top_p=0.95)
    expected = probabilities(logits, [sampling])[0]
    n = 20_000
    turns = [Turn(sampling, chance(seed, 0, 0)) for seed in range(n)]
    found = torch.bincount(torch.tensor(draw(logits.expand(n, -1), turns)), minlength=5) / n
    assert float((found - expected).abs().max()) < 0.01, "three sigma are 0.0106"
    assert not found[expected == 0].any()


@pytest.mark.parametrize("number", [0.0, 0.5, 1 - 2.0**-40])
def test_no_chance_draws_a_token_that_was_cut_off(number: float) -> None:
    draw_logits = random.Random(0)
    logits = torch.tensor([[draw_logits.gauss(0, 1) for _ in range(100)] for _ in range(50)])
    logits[:, :5] = logits[:, -5:] = -torch.inf
    sampling = Sampling(top_k=10)
    kept = probabilities(logits, [sampling] * 50) > 0
    for row, token in enumerate(draw(logits, [Turn(sampling, number)] * 50)):
        assert kept[row, token]


def test_greedy_rows_and_drawn_ones_share_a_step() -> None:
    logits = torch.tensor([[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]])
    turns = [Turn(Sampling(temperature=0), 0.0), Turn(Sampling(), 0.0), Turn(Sampling(temperature=0), 0.9)]
    assert draw(logits, turns) == [1, 0, 1]


def test_chances_are_spread_evenly_and_never_reach_one() -> None:
    numbers = [chance(seed, choice, step) for seed in range(20) for choice in range(5) for step in range(50)]
    assert len(set(numbers)) == len(numbers)
    assert 0 <= min(numbers) < 0.01
    assert 0.99 < max(numbers) < 1
    assert sum(numbers) / len(numbers) == pytest.approx(0.5, abs=0.02)
