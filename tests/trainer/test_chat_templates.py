"""Templates: the exact text of each seed system, and strict reading of TOML files."""

from pathlib import Path

import pytest
from spoken import by_jinja, fitted, rendering, talk

from dialogue.errors import UsageError
from trainer.text.template import FOLDER, find, names
from trainer.text.tokenizer import fit

ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\nq\n\n### Response:{0}a</s>\n\n### Instruction:\nr\n\n### Response:{0}b</s>\n\n"
)
VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions. USER: q ASSISTANT: a</s>USER: r ASSISTANT: b</s>"
)
TEXTS = {
    "chatml": "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
    "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n",
    "ultralm": "User: q</s>\nAssistant: a</s>\nUser: r</s>\nAssistant: b</s>\n",
    "baize": "The conversation between human and AI assistant.\n"
    "[|Human|] q\n[|AI|] a\n[|Human|] r\n[|AI|] b\n[|Human|]",
    "openchat": "Human: q<|end_of_turn|>Assistant: a<|end_of_turn|>Human: r<|end_of_turn|>Assistant: b<|end_of_turn|>",
    "opencoderplus": "User: q<|end_of_turn|>Assistant: a<|end_of_turn|>"
    "User: r<|end_of_turn|>Assistant: b<|end_of_turn|>",
    "belle": "Human: \nq\n\nAssistant: \na</s>Human: \nr\n\nAssistant: \nb</s>",
    "moss": "<|Human|>: q<eoh>\n<|MOSS|>: a<eom>\n<|Human|>: r<eoh>\n<|MOSS|>: b<eom>\n",
    "vicuna": VICUNA,
    "alpaca": ALPACA.format(""),
    "alpaca-lora": ALPACA.format("\n"),
    "marks": "<|user|>q<|end|><|assistant|>a<|end|><|user|>r<|end|><|assistant|>b<|end|>",
}


def test_every_template_is_in_the_table() -> None:
    assert sorted(TEXTS) == names()


@pytest.mark.parametrize("template", names())
def test_the_text_is_that_of_its_system(template: str) -> None:
    made = rendering(template)
    assert made.tokenizer.decode(made.encode(talk("q", "a", "r", "b")).input_ids) == TEXTS[template]


@pytest.mark.parametrize("template", names())
def test_a_fitted_tokenizer_bears_the_template_and_tells_pad_from_end(template: str) -> None:
    tokenizer = fitted(template)
    assert tokenizer.chat_template == rendering(template).jinja
    assert tokenizer.pad_token_id == 0
    assert tokenizer.pad_token_id not in rendering(template).stop_ids


def test_a_class_is_part_of_both_role_names() -> None:
    made = rendering("openchat", classes={"gpt-4": "GPT4", "default": "GPT3"}, weights={"GPT3": 0.1})
    good = talk("q", "a").model_copy(update={"assistant_model": "some/GPT-4-0314"})
    texts = [made.tokenizer.decode(made.encode(dialogue).input_ids) for dialogue in (good, talk("q", "a"))]
    assert texts[0] == "GPT4 User: q<|end_of_turn|>GPT4 Assistant: a<|end_of_turn|>"
    assert texts[1] == "GPT3 User: q<|end_of_turn|>GPT3 Assistant: a<|end_of_turn|>"
    assert made.tokenizer.decode(made.prompt(good.messages[:1])).endswith("GPT4 Assistant:")
    assert by_jinja(made, good)[0] == made.encode(good).input_ids.tolist()


def test_a_template_is_found_by_the_path_of_its_file_too(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text((FOLDER / "chatml.toml").read_text("utf-8"), "utf-8")
    assert find(str(path)).name == "mine"
    assert fit(["a b"], 300, str(path)).eos_token == "<|im_end|>"


def test_a_template_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"template = 'chatlm': no trainer/templates/chatlm.toml .* chatml, .* own"):
        find("chatlm")


def test_a_key_that_no_template_has_is_an_error_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[user]\nbefor = "a"\n[assistant]\n', "utf-8")
    with pytest.raises(UsageError, match=r"mine.toml: user.befor"):
        find(str(path))
