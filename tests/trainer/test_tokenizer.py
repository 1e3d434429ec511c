"""Tokenizers made ready: control tokens, a pad of its own, and which ids are new; spaces that some put before text."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from spoken import ORDINARY, TEXTS, UNHURRIED, by_jinja, dialogues, rendering, talk
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from dialogue.records import Dialogue
from trainer.text.tokenizer import fit, load, prepare


def _base(**tokens: str) -> PreTrainedTokenizerFast:
    """A tokenizer as base models have: byte-level, GPT-2's pattern, one end token."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|endoftext|>"], initial_alphabet=alphabet, show_progress=False
    )
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, **(tokens or {"eos_token": "<|endoftext|>"}))


def _pieces(scheme: str) -> PreTrainedTokenizerFast:
    """A tokenizer in the manner of SentencePiece: spaces as ▁, one before the text, bytes for what is unknown."""
    marks = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    signs = sorted({char for text in TEXTS for char in text.replace(" ", "▁")} | {"▁"})
    vocabulary = {token: id for id, token in enumerate([*marks, *signs, "▁t", "▁a", "th", "▁▁"])}
    merges = [("▁", "t"), ("▁", "a"), ("t", "h"), ("▁", "▁")]
    vocabulary |= {a + b: vocabulary.get(a + b, len(vocabulary)) for a, b in merges}
    backend = Tokenizer(models.BPE(vocabulary, merges, fuse_unk=True, byte_fallback=True, unk_token="<unk>"))
    if scheme == "normalizer":
        backend.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        backend.pre_tokenizer = pre_tokenizers.Metaspace("▁", prepend_scheme=scheme, split=False)
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )
    prepare(tokenizer, "ultralm")
    return tokenizer


def test_control_tokens_and_a_pad_are_added_and_their_ids_said() -> None:
    tokenizer = _base()
    size = len(tokenizer)
    new = prepare(tokenizer, "chatml")
    assert tokenizer.convert_ids_to_tokens(list(new)) == ["<|im_start|>", "<|im_end|>", "<|pad|>"][: len(new)]
    assert new == tuple(range(size, len(tokenizer)))
    assert tokenizer.eos_token == "<|im_end|>"
    assert prepare(tokenizer, "chatml") == ()


def test_pad_is_never_an_end() -> None:
    tokenizer = _base(eos_token="<|endoftext|>", pad_token="<|endoftext|>")
    prepare(tokenizer, "ultralm")
    assert tokenizer.eos_token == "<|endoftext|>"
    assert tokenizer.pad_token == "<|pad|>"
    made = rendering("ultralm", tokenizer)
    assert made.stop_ids == (tokenizer.convert_tokens_to_ids("<|endoftext|>"),)
    assert made.tokenizer.decode(made.encode(talk("q", "a")).input_ids).endswith("a<|endoftext|>\n")


def test_a_saved_tokenizer_is_loaded_with_its_template_and_nothing_new(tmp_path: Path) -> None:
    fit(TEXTS, 400).save_pretrained(tmp_path)
    prepared = load(tmp_path)
    assert prepared.new_ids == ()
    made = rendering(tokenizer=prepared.tokenizer)
    dialogue = talk("Where?\n", " There.", system="s")
    assert (
        made.encode(dialogue).input_ids.tolist()
        == rendering(tokenizer=fit(TEXTS, 400)).encode(dialogue).input_ids.tolist()
    )
    assert (
        by_jinja(made, dialogue, str(prepared.tokenizer.chat_template))[0] == made.encode(dialogue).input_ids.tolist()
    )


def test_a_folder_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama"}))
    with pytest.raises(UsageError, match="no tokenizer there"):
        load(tmp_path)


def test_a_vocabulary_without_room_for_the_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match="vocabulary = 260: 256 bytes and 7 control tokens need more"):
        fit(TEXTS, 260)


@pytest.mark.parametrize("scheme", ["first", "always", "never", "normalizer"])
@UNHURRIED
@given(dialogue=dialogues(ORDINARY.map(lambda words: "a" + words)))
def test_spaces_before_text_stand_where_the_tokenizer_itself_puts_them(scheme: str, dialogue: Dialogue) -> None:
    made = rendering("ultralm", PIECES[scheme])
    assert by_jinja(made, dialogue)[0] == made.encode(dialogue).input_ids.tolist()


PIECES = {scheme: _pieces(scheme) for scheme in ("first", "always", "never", "normalizer")}


def test_a_vocabulary_that_spells_a_control_token_does_not_give_it_to_words() -> None:
    pieces = [("<unk>", 0.0), ("</s>", 0.0), *((sign, -5.0) for sign in "abcdefghijklmnopqrstuvwxyzA:U</>▁\nsr")]
    backend = Tokenizer(models.Unigram(list(dict(pieces).items()), unk_id=0))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>", unk_token="<unk>")
    prepare(tokenizer, "ultralm")
    made = rendering("ultralm", tokenizer)
    end = tokenizer.convert_tokens_to_ids("</s>")
    assert made.encode(talk("a</s>b</s>", "c")).input_ids.tolist().count(end) == 2
