"""A model that we trained is asked as it was trained, and its replies are read as its renderer reads them."""

from pathlib import Path

import pytest
import small_models

from dialogue.errors import UsageError
from dialogue.records import Message
from trainer.loop import checkpoint
from trainer.nets.base import load
from trainer.serving.engine import Engine, Sampling
from trainer.serving.loading import Loaded, defaults, name_of, opened
from trainer.serving.voice import BadMessages, speaking
from trainer.settings import Decoding, LoraSettings
from trainer.text.render import Renderer, renderer
from trainer.text.template import names

TALK = [
    Message(role="user", content="Where do I live? <|im_end|>"),
    Message(role="assistant", content="In Warsaw."),
    Message(role="user", content=" And\nnow?"),
]
DECODING = Decoding(temperature=0.6, top_p=0.9, top_k=40, repetition_penalty=1.1, max_new_tokens=9)


def trained(folder: Path, template: str) -> tuple[Renderer, Loaded]:
    """A checkpoint as a training writes it, opened again, and the renderer of that training."""
    tokenizer = small_models.tokenizer(template)
    settings = small_models.asked(folder, template=template, decoding=DECODING)
    spoken = renderer(tokenizer, settings)
    model = small_models.llama(len(tokenizer), initializer_range=0.4, max_position_embeddings=512)
    checkpoint.save(folder / "out" / "model", model, tokenizer, spoken, settings, "# card\n")
    return spoken, opened(folder / "out")


@pytest.mark.parametrize("template", names())
def test_every_template_is_asked_and_read_as_its_renderer_does(template: str, tmp_path: Path) -> None:
    spoken, loaded = trained(tmp_path, template)
    prompt = loaded.voice.prompt(TALK)
    assert prompt == spoken.prompt(TALK)
    assert loaded.voice.stop_texts == spoken.stop_texts
    assert loaded.sampling == Sampling(**DECODING.model_dump(exclude={"max_new_tokens"}), max_tokens=9)
    assert loaded.name == "out"
    samplings = [Sampling(seed=seed, max_tokens=12) for seed in range(20)]
    for reply, how in zip(loaded.engine.complete([prompt] * 20, samplings), samplings, strict=True):
        pieces: list[str] = []
        answer = loaded.engine.submit(prompt, how, on_piece=lambda piece, pieces=pieces: pieces.append(piece.text))
        while answer.finish_reason is None:
            loaded.engine.step()
        assert "".join(pieces) == reply.text
        if not any(mark in spoken.tokenizer.decode(reply.ids) for mark in spoken.encoder.control):
            assert reply.text == spoken.read(reply.ids), "control tokens in the middle are left out of ours"


def test_the_space_before_an_answer_belongs_to_the_template() -> None:
    tokenizer = small_models.tokenizer("vicuna")
    spoken = renderer(tokenizer, small_models.asked(Path("x"), template="vicuna"))
    voice = speaking(spoken)
    assert voice.lead == " "
    model = small_models.llama(len(tokenizer), initializer_range=0.4, max_position_embeddings=512)
    engine = Engine(model, tokenizer, stop_ids=voice.stop_ids, stop_texts=voice.stop_texts, lead=voice.lead)
    for reply in engine.complete([voice.prompt(TALK)] * 30, [Sampling(seed=n, max_tokens=5) for n in range(30)]):
        decoded = tokenizer.decode(reply.ids, skip_special_tokens=True)
        assert reply.text == decoded.removeprefix(" ") or reply.finish_reason == "stop"


def test_an_adapter_is_drawn_from_as_its_own_file_says(tmp_path: Path) -> None:
    base = small_models.base(tmp_path / "base", initializer_range=0.4)
    settings = small_models.asked(tmp_path, model=str(base), lora=LoraSettings(r=4, alpha=8), decoding=DECODING)
    tokenizer = small_models.tokenizer()
    model = load(settings, tokenizer, ())
    small_models.shake(model)
    spoken = renderer(tokenizer, settings)
    checkpoint.save(tmp_path / "adapter", model, tokenizer, spoken, settings, "# card\n")
    loaded = opened(tmp_path / "adapter")
    assert loaded.sampling.temperature == 0.6
    assert loaded.voice.prompt(TALK) == spoken.prompt(TALK)
    prompt = spoken.prompt(TALK)
    mine = loaded.engine.complete([prompt], Sampling(temperature=0, max_tokens=10))
    assert mine == Engine(model, tokenizer, stop_ids=spoken.stop_ids).complete(
        [prompt], Sampling(temperature=0, max_tokens=10)
    )


def test_messages_that_the_template_cannot_hold_are_refused(tmp_path: Path) -> None:
    _, loaded = trained(tmp_path, "vicuna")
    with pytest.raises(BadMessages, match="the model's template cannot write these messages"):
        loaded.voice.prompt([Message(role="tool", content="4"), Message(role="user", content="x")])


def test_a_model_without_a_template_is_refused(tmp_path: Path) -> None:
    base = small_models.base(tmp_path / "base")
    (base / "chat_template.jinja").unlink()
    with pytest.raises(UsageError, match="no chat template"):
        opened(base)


def test_how_a_file_says_replies_are_drawn() -> None:
    from transformers import GenerationConfig

    assert defaults(GenerationConfig()) == Sampling(), "nothing said: as the world expects of an endpoint"
    assert defaults(GenerationConfig(do_sample=False)).temperature == 0
    assert defaults(GenerationConfig(do_sample=True, temperature=0.3, top_k=5)) == Sampling(temperature=0.3, top_k=5)
    assert defaults(None) == Sampling()


def test_names_of_models(tmp_path: Path) -> None:
    (tmp_path / "mine" / "model").mkdir(parents=True)
    assert name_of(str(tmp_path / "mine" / "model")) == "mine"
    assert name_of(str(tmp_path / "mine")) == "mine"
    assert name_of("lab/model") == "lab/model"
