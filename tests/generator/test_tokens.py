import threading

import pytest
import tiktoken

from generator.client import tokens
from generator.client.tokens import Counter, vocabulary


def small_vocabulary() -> tiktoken.Encoding:
    ranks = {bytes([i]): i for i in range(256)} | {b"he": 256, b"ll": 257, b"hell": 258, b"hello": 259}
    return tiktoken.Encoding("small", pat_str=r"\w+|\W", mergeable_ranks=ranks, special_tokens={"<|end|>": 260})


def test_a_vocabulary_counts_exactly() -> None:
    counter = Counter("m", small_vocabulary())
    assert not counter.estimated
    assert counter.count("hello hello") == 3
    assert counter.count("<|end|>") == 7  # text is text: special tokens in it have no power
    assert counter.count("") == 0


def test_a_text_is_counted_once() -> None:
    counter = Counter("m", small_vocabulary())
    for _ in range(5):
        counter.count("hello")
    assert counter.count.cache_info().misses == 1


def test_without_a_vocabulary_tokens_are_estimated_by_bytes_and_script() -> None:
    counter = Counter("no-such-model")
    assert counter.estimated
    assert counter.count("a" * 400) == 100
    assert counter.count("潮汐的成因" * 20) == 100
    assert counter.count("") == 0
    assert counter.count("a") == 1


def test_the_ratio_is_learned_from_usage_once_there_is_enough_of_it() -> None:
    counter = Counter(None)
    counter.learn(100, 50)
    assert counter.tokens_in(1000) == 250
    counter.learn(2000, 1000)
    assert counter.tokens_in(1000) == 500


def test_an_unknown_model_is_never_looked_for_on_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: pytest.fail("asked the network"))
    assert vocabulary("my-own-model") is None


def test_a_vocabulary_that_cannot_be_loaded_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fail(name: str) -> tiktoken.Encoding:
        tried.append(name)
        raise OSError("no network")

    tokens._load.cache_clear()
    monkeypatch.setattr(tiktoken, "get_encoding", fail)
    assert [Counter("gpt-4o").estimated for _ in range(3)] == [True] * 3
    assert len(tried) == 1
    tokens._load.cache_clear()


def test_a_vocabulary_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    def hang(name: str) -> tiktoken.Encoding:
        gate.wait()
        return small_vocabulary()

    tokens._load.cache_clear()
    monkeypatch.setattr(tiktoken, "get_encoding", hang)
    monkeypatch.setattr(tokens, "LOAD_S", 0.01)
    assert Counter("gpt-4o").estimated
    gate.set()
    tokens._load.cache_clear()


def test_a_vocabulary_at_hand_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens._load.cache_clear()
    monkeypatch.setattr(tiktoken, "get_encoding", lambda name: small_vocabulary())
    assert Counter("gpt-4o").count("hello") == 1
    tokens._load.cache_clear()
