"""Replies made together are the replies that each prompt gets alone, and greedy ones are `generate`'s."""

import random
from collections.abc import Sequence
from typing import Any

import babbler
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.serving.engine import Engine, Piece, PromptTooLong, Reply, Sampling

GREEDY = Sampling(temperature=0, max_tokens=16)
TOKENIZER = babbler.tokenizer()
MODEL = babbler.llama()
ENGINE = Engine(MODEL, TOKENIZER, max_batch=8)


def prompts(n: int, seed: int = 0, longest: int = 60) -> list[list[int]]:
    draw = random.Random(seed)
    return [[draw.randrange(4, 320) for _ in range(draw.randrange(1, longest))] for _ in range(n)]


def generated(model: Any, prompt: Sequence[int], tokens: int = 16, **options: Any) -> list[int]:
    """What transformers itself answers."""
    ids = torch.tensor([prompt])
    out = model.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, do_sample=False, pad_token_id=0, **options
    )
    found: list[int] = out[0, len(prompt) :].tolist()
    return found


@pytest.mark.parametrize("penalty", [1.0, 1.3])
def test_greedy_replies_equal_generate_token_for_token_alone_and_among_others(penalty: float) -> None:
    asked, sampling = prompts(12), GREEDY.model_copy(update={"repetition_penalty": penalty})
    expected = [generated(MODEL, prompt, repetition_penalty=penalty) for prompt in asked]
    assert [list(reply.ids) for reply in ENGINE.complete(asked, sampling)] == expected
    assert [list(ENGINE.complete([prompt], sampling)[0].ids) for prompt in asked[:5]] == expected[:5]
    assert len({tuple(ids) for ids in expected}) > 10, "or the comparison would say little"


FAMILIES: dict[str, dict[str, Any]] = {
    "qwen2": {},
    "qwen3": {"head_dim": 8},
    "mistral": {"sliding_window": 8},
    "gemma2": {"sliding_window": 8, "head_dim": 8},
    "gemma3_text": {"sliding_window": 8, "head_dim": 8},
    "gpt2": {},
    "gpt_neox": {},
    "olmo2": {},
    "phi3": {"sliding_window": 8},
    "bloom": {},
    "granite": {},
}


def family(name: str, over: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
    ends = {"bos_token_id": 1, "eos_token_id": babbler.END, "pad_token_id": 0}
    known = {"num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.3, "vocab_size": 320}
    if name in ("gpt2", "gpt_neox", "bloom"):
        del known["num_key_value_heads"]
    if name == "gpt2":
        del sizes["intermediate_size"]
    torch.manual_seed(1)
    config = AutoConfig.for_model(name, **{**sizes, **ends, **known, **over})
    return AutoModelForCausalLM.from_config(config).eval()


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_answers_as_it_does_alone(name: str) -> None:
    """Windows shorter than the prompts, absolute and rotary positions, and one (ALiBi) that cannot share a pass."""
    model = family(name, FAMILIES[name])
    engine = Engine(model, TOKENIZER)
    assert engine.separate == (name == "bloom")
    asked = prompts(6, longest=40)
    assert [list(reply.ids) for reply in engine.complete(asked, GREEDY)] == [generated(model, one) for one in asked]


def test_a_reply_depends_on_prompt_seed_and_sampling_only() -> None:
    asked = prompts(10, seed=3)
    samplings = [
        Sampling(seed=n, temperature=0.7 + n % 3 / 4, top_p=(1, 0.9)[n % 2], top_k=(0, 30, 3)[n % 3], max_tokens=20)
        for n in range(10)
    ]
    together = ENGINE.complete(asked, samplings)
    assert together == Engine(MODEL, TOKENIZER, max_batch=3).complete(asked, samplings)
    backwards = ENGINE.complete(asked[::-1], samplings[::-1])
    assert together == backwards[::-1]
    assert together == [ENGINE.complete([one], how)[0] for one, how in zip(asked, samplings, strict=True)]


def test_another_seed_or_choice_gives_another_reply() -> None:
    prompt = prompts(1)[0]
    replies = ENGINE.complete([prompt] * 3, [Sampling(seed=seed, max_tokens=20) for seed in (0, 1, 0)])
    assert replies[0] == replies[2] != replies[1]
    answers = [ENGINE.submit(prompt, Sampling(max_tokens=20), choice=choice) for choice in (0, 1)]
    finish()
    assert answers[0].ids == list(replies[0].ids)
    assert answers[1].ids != answers[0].ids


def finish() -> None:
    while ENGINE.busy:
        ENGINE.step()


def test_replies_that_join_and_leave_in_the_middle_are_the_same() -> None:
    asked = prompts(12, seed=5)
    expected = ENGINE.complete(asked, GREEDY)
    draw = random.Random(0)
    answers = []
    for prompt in asked:
        answers.append(ENGINE.submit(prompt, GREEDY))
        doomed = ENGINE.submit(prompt[:3], GREEDY)
        for _ in range(draw.randrange(6)):
            ENGINE.step()
        ENGINE.cancel(doomed)
    finish()
    assert [answer.reply(TOKENIZER) for answer in answers] == expected


def test_prompts_are_pulled_as_rows_become_free_and_memory_bounds_the_batch() -> None:
    asked = prompts(16, seed=7)
    pulled = 0

    def asks() -> Any:
        nonlocal pulled
        for number, prompt in enumerate(asked):
            pulled += 1
            yield number, prompt, GREEDY

    engine = Engine(MODEL, TOKENIZER, max_batch=4, cache_tokens=170)
    found: dict[int, Reply] = {}
    most = 0
    for number, reply in engine.replies(asks()):
        most = max(most, pulled - len(found))
        found[number] = reply
    assert [found[number] for number in range(16)] == ENGINE.complete(asked, GREEDY)
    assert most <= 8
    cache: Any = engine._rows._network._cache  # type: ignore[attr-defined]
    assert cache.rows * cache.columns <= 256


@pytest.mark.parametrize("margin", [2, 64])
def test_replies_that_may_become_long_go_side_by_side_and_are_set_back_where_they_do(
    margin: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No reply says how long it will be: room for all that it may become would be room for one at a time."""
    from trainer.serving import answer as module

    monkeypatch.setattr(module, "MARGIN", margin)
    asked, heard = prompts(12, seed=23, longest=40), dict[int, list[Piece]]()
    how = [
        Sampling(temperature=number % 2, seed=number, max_tokens=length, frequency_penalty=0.5, top_logprobs=1)
        for number, length in enumerate((120, None, 30, 90, 10, 150) * 2)
    ]
    engine = Engine(MODEL, TOKENIZER, cache_tokens=400)
    answers = [
        engine.submit(prompt, sampling, on_piece=heard.setdefault(sampling.seed, []).append)
        for prompt, sampling in zip(asked, how, strict=True)
    ]
    most = again = 0
    while engine.busy:
        before = list(engine._rows.active)
        engine.step()
        rows = engine._rows.active
        most = max(most, len(rows))
        again += len([answer for answer in before if answer not in rows and answer.finish_reason is None])
        assert len(rows) < 2 or len(rows) * max(answer.length - 1 for answer in rows) <= 400
    assert most > 3
    assert (again > 0) >= (margin == 2), "some were set back"
    for answer, reply in zip(answers, ENGINE.complete(asked, how), strict=True):
        found = answer.reply(TOKENIZER)
        assert (found.ids, found.text) == (reply.ids, reply.text)
        assert "".join(piece.text for piece in heard[answer.sampling.seed]) == reply.text
        assert [one.id for one in found.logprobs or ()] == list(reply.ids)


def test_a_long_prompt_is_read_piece_by_piece_while_others_come_go_and_speak(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.serving import engine, rows

    asked = [*prompts(6, longest=120), *prompts(6, longest=20, seed=3)]
    expected = ENGINE.complete(asked, GREEDY)
    monkeypatch.setattr(engine, "PIECE_TOKENS", 16)
    monkeypatch.setattr(rows, "PIECE_TOKENS", 16)
    assert ENGINE.complete(asked, GREEDY) == expected
    answers = []
    for number, prompt in enumerate(asked):
        answers += [ENGINE.submit(prompt, GREEDY, choice=choice) for choice in range(1 + number % 3)]
        doomed = ENGINE.submit(asked[0], GREEDY)
        for _ in range(number % 4):
            ENGINE.step()
        ENGINE.cancel(doomed)
    finish()
    replies = {answer.prompt: answer.reply(TOKENIZER) for answer in answers}
    assert [replies[tuple(prompt)] for prompt in asked] == expected
    assert all(answer.reply(TOKENIZER) == replies[answer.prompt] for answer in answers)


def test_a_short_prompt_does_not_wait_for_the_end_of_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.serving import engine, rows

    monkeypatch.setattr(engine, "PIECE_TOKENS", 16)
    monkeypatch.setattr(rows, "PIECE_TOKENS", 16)
    long, _ = [ENGINE.submit([5] * 200, GREEDY, choice=choice) for choice in (0, 1)]
    ENGINE.step()
    short = ENGINE.submit([6, 7], GREEDY.model_copy(update={"max_tokens": 3}))
    while short.finish_reason is None:
        ENGINE.step()
    assert not long.ids
    read = 0

    def counted(first: int, tokens: Any, starts: Any, logits: Any = ENGINE._rows._network.logits) -> Any:
        nonlocal read
        read += sum(map(len, tokens)) if not long.ids else 0
        return logits(first, tokens, starts)

    monkeypatch.setattr(ENGINE._rows._network, "logits", counted)
    finish()
    assert read < 200, "both choices are read once"
    assert len(long.ids) == 16 or long.ids[-1] == babbler.END


def test_the_context_bounds_prompt_and_reply() -> None:
    reply = ENGINE.complete([[5] * 250], Sampling(temperature=0, stop_ids=()))[0]
    assert len(reply.ids) <= 6
    assert reply.finish_reason == "length" or reply.ids[-1] == babbler.END
    with pytest.raises(PromptTooLong, match=r"256 tokens and the model's context holds 256"):
        ENGINE.submit([5] * 256, GREEDY)


def test_end_tokens_and_stop_texts_end_a_reply_and_are_no_part_of_its_text() -> None:
    prompt = prompts(1, seed=11)[0]
    free = ENGINE.complete([prompt], GREEDY)[0]
    cut = ENGINE.complete([prompt], GREEDY.model_copy(update={"stop_ids": (free.ids[5],)}))[0]
    assert cut.ids == free.ids[: free.ids.index(free.ids[5]) + 1]
    assert cut.finish_reason == "stop"
    assert cut.text == TOKENIZER.decode(cut.ids[:-1], skip_special_tokens=True)
    stop = free.text[6:9]
    cut = ENGINE.complete([prompt], GREEDY.model_copy(update={"stop": (stop,)}))[0]
    assert cut.text == free.text[: free.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert len(cut.ids) < len(free.ids)


def test_pieces_put_together_are_the_text_and_the_last_one_says_why_it_ended() -> None:
    asked, heard = prompts(10, seed=13), dict[int, list[Piece]]()
    for number, prompt in enumerate(asked):
        heard[number] = []
        ENGINE.submit(prompt, Sampling(seed=number, max_tokens=30), on_piece=heard[number].append)
    finish()
    replies = ENGINE.complete(asked, [Sampling(seed=number, max_tokens=30) for number in range(10)])
    for number, reply in enumerate(replies):
        assert "".join(piece.text for piece in heard[number]) == reply.text
        assert [piece.finish_reason for piece in heard[number]] == [None] * (len(reply.ids) - 1) + [reply.finish_reason]


def test_logprobs_are_those_of_the_model_whatever_the_temperature() -> None:
    prompt = prompts(1, seed=17)[0]
    reply = ENGINE.complete([prompt], Sampling(temperature=0.5, top_k=5, max_tokens=8, top_logprobs=3))[0]
    assert reply.logprobs is not None
    with torch.no_grad():
        logits = MODEL(torch.tensor([prompt + list(reply.ids)])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    for place, (token, found) in enumerate(zip(reply.ids, reply.logprobs, strict=True)):
        assert found.id == token
        assert found.logprob == pytest.approx(float(logits[place, token]), abs=1e-4)
        best = logits[place].topk(3)
        assert [id for id, _ in found.top] == best.indices.tolist()
        assert [value for _, value in found.top] == pytest.approx(best.values.tolist(), abs=1e-4)


def test_a_model_in_training_is_given_back_as_it_was() -> None:
    model = babbler.llama(seed=2).train()
    Engine(model, TOKENIZER).complete(prompts(2), GREEDY)
    assert model.training
    assert torch.is_grad_enabled()
    assert model.config._attn_implementation == "sdpa"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(4, 319), max_size=30), st.lists(st.text(min_size=1, max_size=3), max_size=2))
def test_text_grows_to_what_decoding_at_once_gives(ids: list[int], stops: list[str]) -> None:
    from trainer.serving.text import Text, decode

    text, pieces = Text(TOKENIZER, stops), []
    for token in ids:
        pieces.append(text.add(token))
        if text.stopped:
            break
    pieces.append(text.end())
    whole = decode(TOKENIZER, ids)
    assert "".join(pieces) == text.whole
    places = [whole.find(stop) for stop in stops if stop in whole]
    if not places:
        assert text.whole == whole
    elif "\ufffd" not in whole:
        assert text.whole == whole[: min(places)] or any(stop in whole for stop in stops)
        assert not any(stop in text.whole for stop in stops)
