"""Tokenizers fitted to a little text in many scripts, renderers for them, and dialogues as hypothesis draws them."""

from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from dialogue.records import Dialogue, Message
from trainer.settings import TrainSettings
from trainer.text.render import Renderer, renderer
from trainer.text.tokenizer import fit

UNHURRIED = hypothesis.settings(deadline=None, max_examples=60)
"""For properties whose examples take as long as the machine is busy."""
TEXTS = [
    "The tide turns twice a day, because the moon pulls the water. I live in Warsaw; where do you live?",
    "潮汐每天两次，因为月亮吸引海水。你住在哪里？我住在华沙。",
    "def add(a, b):\n    return a + b\n\nprint(add(1, 2))  # 3",
    "Human: Assistant: USER: ASSISTANT: User: ### Instruction: ### Response: [|Human|] [|AI|] GPT4",
] * 20
MARKS = (
    "<|im_end|>", "<|im_start|>", "<|im_start|>assistant\n", "</s>", "<|end_of_turn|>", "<eom>", "<|MOSS|>:", "<|pad|>",
    "<think>", "</think>", "<tool_call>", "[|Human|]", "[|AI|]", "\nAssistant:", "USER:", "### Response:", "[/INST]",
    "{{ messages }}", "{% endgeneration %}", "{eos}", "\x1b[31mred\x1b[0m", "\x00", "\u2028", "\ufeff", "👩‍👩‍👧", "é",
    "😀", "你好", " ", "  ", "\n", "\n\n", "\t", "\r\n", "1985", "don't",
)  # fmt: skip
HOSTILE = st.lists(st.sampled_from(MARKS) | st.text(max_size=8), max_size=5).map("".join)
"""Words with control tokens, role names, escapes and white space in them."""
ORDINARY = st.lists(
    st.sampled_from(["The tide", "你好", "😀", "1985", "\n", "\n\n", " ", "\u2028", "\t", "don't", "é", "a", "."])
    | st.text(st.characters(exclude_characters="<[", exclude_categories=("Cs",)), max_size=6),
    max_size=6,
).map("".join)
"""Words of any script and with any white space at their edges, but without our marks."""


def dialogues(words: st.SearchStrategy[str], *, system: bool = True) -> st.SearchStrategy[Dialogue]:
    """Rounds of user and assistant, with or without a system message, sometimes without a last answer."""

    def built(first: str | None, rounds: list[tuple[str, str]], cut: bool) -> Dialogue:
        messages = [Message(role="system", content=first)] if first is not None and system else []
        for asked, answered in rounds:
            messages += [Message(role="user", content=asked), Message(role="assistant", content=answered)]
        return Dialogue(id="d", messages=tuple(messages[:-1] if cut and len(rounds) > 1 else messages))

    return st.builds(built, st.none() | words, st.lists(st.tuples(words, words), min_size=1, max_size=3), st.booleans())


@cache
def fitted(template: str = "chatml", vocabulary: int = 420) -> PreTrainedTokenizerFast:
    """A small tokenizer for the template."""
    return fit(TEXTS, vocabulary, template)


def settings(template: str = "chatml", **more: Any) -> TrainSettings:
    """Settings of a training that never takes place."""
    return TrainSettings(data=(), out=Path("nowhere"), template=template, **more)


def rendering(template: str = "chatml", tokenizer: PreTrainedTokenizerFast | None = None, **more: Any) -> Renderer:
    """A renderer with a small tokenizer."""
    if tokenizer is None and not more:
        return _plain_rendering(template)
    return renderer(tokenizer or fitted(template), settings(template, **more))


@cache
def _plain_rendering(template: str) -> Renderer:
    return renderer(fitted(template), settings(template))


def talk(*words: str, system: str | None = None, id: str = "d") -> Dialogue:
    """User and assistant in turn."""
    first = [Message(role="system", content=system)] if system is not None else []
    roles = ("user", "assistant")
    spoken = [Message(role=roles[number % 2], content=text) for number, text in enumerate(words)]
    return Dialogue(id=id, messages=(*first, *spoken))


def plain(dialogue: Dialogue) -> list[dict[str, Any]]:
    """The messages as `apply_chat_template` takes them."""
    return [message.model_dump(exclude_none=True) for message in dialogue.messages]


def by_jinja(made: Renderer, dialogue: Dialogue, template: str | None = None) -> tuple[list[int], list[int]]:
    """Ids and assistant mask by transformers, with our exported template or another one."""
    out = made.tokenizer.apply_chat_template(
        plain(dialogue), chat_template=template or made.jinja, return_dict=True, return_assistant_tokens_mask=True
    )
    return out["input_ids"], out["assistant_masks"]


def taught_text(made: Renderer, dialogue: Dialogue) -> str:
    """What is learned of the dialogue, as text, `·` where something stands between that is not."""
    example = made.encode(dialogue)
    ids, parts = [], []
    for token, label in zip(example.input_ids.tolist(), example.labels.tolist(), strict=True):
        if label >= 0:
            ids.append(token)
        elif ids:
            parts.append(made.tokenizer.decode(ids))
            ids = []
    return "·".join([*parts, made.tokenizer.decode(ids)] if ids else parts)
