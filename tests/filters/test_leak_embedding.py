"""The turns nearest to each item: which are kept, whatever their order, and what an encoder may be."""

import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from filters.leaks.benchmark import Benchmark, Item
from filters.leaks.embedding import RULE, Near, Nearest, hits
from filters.leaks.encoder import LocalEncoder, Vectors

DIMS = 8


class Letters:
    """Counts the first eight letters of the alphabet; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.asked += texts
        counts = np.array([[text.count(letter) for letter in "abcdefgh"] for text in texts], np.float32)
        counts = counts.reshape(len(texts), DIMS)
        return counts / np.maximum(1e-9, np.linalg.norm(counts, axis=1, keepdims=True))


def benchmark(*questions: str | tuple[str, ...]) -> Benchmark:
    items = tuple(
        Item("bench", str(number), (question,) if isinstance(question, str) else question)
        for number, question in enumerate(questions)
    )
    return Benchmark("bench", "bench.jsonl", items, "0" * 16)


def asks(id: str, *contents: str) -> Dialogue:
    messages = [Message(role=role, content=c) for c in contents for role in ("user", "assistant")]
    return Dialogue(id=id, messages=tuple(messages))


def near(nearest: Nearest, *dialogues: Dialogue) -> dict[str, list[tuple[str, float]]]:
    """Item and cosine of the hits by dialogue."""
    nearest.add(dialogues)
    found = nearest.found()
    return {one.id: [(hit.item, hit.containment) for hit in hits(found, one)] for one in dialogues}


def test_the_nearest_turn_is_a_candidate_that_names_item_and_message() -> None:
    nearest = Nearest([benchmark("aab", "ccd")], Letters(), k=1)
    said = asks("one", "hhh", "abba ab")
    nearest.add([said])
    (hit,) = hits(nearest.found(), said)
    assert (hit.benchmark, hit.item, hit.tier, hit.rule, hit.rules) == ("bench", "0", "candidate", RULE, (RULE,))
    assert (hit.part, hit.message, hit.span, hit.span_words) == ("question", 2, (0, 7), 2)
    assert hit.containment == pytest.approx(9 / np.sqrt(5 * 18), abs=1e-4)


def test_only_k_texts_are_kept_for_an_item_and_those_the_nearest() -> None:
    found = near(Nearest([benchmark("aaaa")], Letters(), k=2), asks("1", "aab"), asks("2", "aaab"), asks("3", "aaaab"))
    assert [id for id, named in found.items() if named] == ["2", "3"]


def test_no_text_below_the_least_cosine_is_a_candidate() -> None:
    said = asks("far", "abc"), asks("near", "aab")
    assert near(Nearest([benchmark("a")], Letters(), least_cosine=0.8), *said) == {"far": [], "near": [("0", 0.8944)]}


def test_every_dialogue_with_the_text_is_a_candidate_though_the_text_is_kept_once() -> None:
    found = near(Nearest([benchmark("aab")], Letters(), k=1), asks("x", "aab"), asks("y", "ddd", "aab"))
    assert found == {"x": [("0", 1.0)], "y": [("0", 1.0)]}


def test_a_text_is_encoded_once_and_assistants_are_not_read() -> None:
    encoder = Letters()
    nearest = Nearest([benchmark("aab")], encoder)
    nearest.add([asks("x", "abc abc", "abc abc")])
    nearest.add(
        [Dialogue(id="y", messages=(Message(role="user", content="abc abc"), Message(role="assistant", content="aab")))]
    )
    assert encoder.asked == ["aab", "abc abc"]


def test_an_item_of_many_turns_is_as_near_as_its_nearest_turn() -> None:
    found = near(Nearest([benchmark(("aaa", "bbb"), "ccc")], Letters()), asks("1", "ab bb"))
    assert found == {"1": [("0", 0.9487)]}


def test_a_text_near_two_items_names_both_nearest_first() -> None:
    assert near(Nearest([benchmark("ab", "aab")], Letters()), asks("1", "aaab")) == {
        "1": [("1", 0.9899), ("0", 0.8944)]
    }


def test_order_and_cut_of_the_corpus_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(5)
    said = [asks(str(i), "".join(chance.choices("abcdefgh", k=5)), "hhh") for i in range(400)]
    items = benchmark(*("".join(chance.choices("abcdefgh", k=6)) for _ in range(9)))
    results = []
    for block in (1024, 7):
        monkeypatch.setattr("filters.leaks.embedding._BLOCK", block)
        nearest = Nearest([items], Letters(), k=3, least_cosine=0.5)
        chance.shuffle(said)
        for at in range(0, len(said), 90):
            nearest.add(said[at : at + 90])
        results.append(nearest.found())
    assert results[0] == results[1]
    kept = [near for found in results[0].values() for near in found]
    assert all(sum(near.item == item.id for near in kept) == 3 for item in items.items)


def test_a_text_that_was_forgotten_and_comes_again_takes_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filters.leaks.embedding._REMEMBERED", 1)
    found = near(Nearest([benchmark("a")], Letters(), k=2), asks("1", "aab"), asks("2", "aaab"), asks("3", "aab"))
    assert all(found.values())


@pytest.mark.parametrize("items", [(), ("?!",)])
def test_a_benchmark_without_a_word_has_no_candidates(items: tuple[str, ...]) -> None:
    assert near(Nearest([benchmark(*items)], Letters()), asks("1", "aab")) == {"1": []}


def test_found_is_plain_data() -> None:
    nearest = Nearest([benchmark("aab")], Letters())
    nearest.add([asks("1", "aab"), asks("2", "!?", "")])
    assert list(nearest.found().values()) == [(Near(1.0, "bench", "0"),)]


def save_tiny(folder: Path) -> None:
    """A random BERT of one layer that knows six words."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    torch.manual_seed(3)
    vocabulary = {word: i for i, word in enumerate(["[PAD]", "[UNK]", "tide", "moon", "sea", "boat"])}
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, pad_token="[PAD]", unk_token="[UNK]").save_pretrained(
        folder
    )
    config = transformers.BertConfig(
        vocab_size=6,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=12,
    )
    transformers.BertModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    save_tiny(folder)
    return folder


TEXTS = ["tide", "moon sea boat tide moon sea", "", "boat boat", "sea " * 500]


def test_vectors_have_length_one_and_do_not_depend_on_company(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = LocalEncoder(str(tiny))
    together = encoder.encode(TEXTS)
    monkeypatch.setattr("filters.leaks.encoder.BATCH", 1)
    assert together.shape == (5, 16)
    assert together.dtype == np.float32
    assert np.allclose(together, encoder.encode(TEXTS), atol=1e-5)
    assert np.linalg.norm(together, axis=1)[[0, 1, 3, 4]] == pytest.approx(1, abs=1e-5)


def test_a_vector_is_the_mean_over_its_own_tokens(tiny: Path) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    model = transformers.AutoModel.from_pretrained(tiny).eval()
    with torch.no_grad():
        states = model(torch.tensor([[2, 3, 4]])).last_hidden_state[0]
    mean = states.mean(0)
    # in a batch with a longer text, so that it is padded
    assert np.allclose(LocalEncoder(str(tiny)).encode(["tide moon sea", "sea " * 9])[0], mean / mean.norm(), atol=1e-5)


def test_no_text_makes_no_vector(tiny: Path) -> None:
    assert LocalEncoder(str(tiny)).encode([]).shape == (0, 16)


def test_a_real_encoder_finds_the_item_itself(tiny: Path) -> None:
    nearest = Nearest([benchmark("moon sea tide", "boat")], LocalEncoder(str(tiny)), k=1, least_cosine=0.999)
    assert near(nearest, asks("1", "moon sea tide"), asks("2", "boat")) == {"1": [("0", 1.0)], "2": [("1", 1.0)]}


@pytest.mark.parametrize("model", ["./no/such", "/no/such", "models/here/no", "~/x"])
def test_a_folder_that_is_not_there_is_a_usage_error(model: str) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        LocalEncoder(model)


def test_weights_other_than_safetensors_are_refused(tiny: Path, tmp_path: Path) -> None:
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((tiny / name).read_bytes())
    torch.save(transformers.AutoModel.from_pretrained(tiny).state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(UsageError, match="safetensors"):
        LocalEncoder(str(tmp_path))


def test_a_folder_without_a_model_is_a_usage_error_of_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        LocalEncoder(str(tmp_path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["torch", "transformers"])
def test_a_missing_library_names_the_extra(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(UsageError, match=rf"{missing}: pip install 'duologue\[encode\]'"):
        LocalEncoder("anything")


def test_the_module_loads_no_heavy_library() -> None:
    code = "import sys, filters.leaks.embedding; print({'torch', 'transformers'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
