"""The tokenizer's own chat template: taken apart where it can be, named where not."""

import pytest
from hypothesis import given
from spoken import HOSTILE, TEXTS, UNHURRIED, by_jinja, dialogues, plain, rendering, settings, talk, taught_text
from transformers import PreTrainedTokenizerFast

from dialogue.errors import UsageError
from dialogue.records import Dialogue, Message
from trainer.text.audit import Audit
from trainer.text.example import IGNORE_INDEX
from trainer.text.examples import examples
from trainer.text.render import Renderer
from trainer.text.tokenizer import fit, prepare

QWEN2 = """{%- if messages[0].role == 'system' -%}
{{- '<|im_start|>system\\n' + messages[0].content + '<|im_end|>\\n' -}}
{%- else -%}{{- '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' -}}{%- endif -%}
{%- for m in messages -%}{%- if m.role != 'system' -%}
{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' + '\\n' -}}{%- endif -%}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

QWEN3 = """{%- set ns = namespace(last=-1) -%}
{%- for m in messages -%}{%- if m.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for m in messages -%}
{%- if m.role != 'assistant' -%}{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' -}}
{%- else -%}
{%- set thought = m.reasoning_content if m.reasoning_content is string else '' -%}
{%- if loop.index0 > ns.last and (loop.last or thought) -%}
{{- '<|im_start|>assistant\\n<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + m.content.lstrip('\\n') -}}
{%- else -%}{{- '<|im_start|>assistant\\n' + m.content -}}{%- endif -%}{{- '<|im_end|>\\n' -}}
{%- endif -%}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}
{%- if enable_thinking is defined and enable_thinking is false -%}{{- '<think>\\n\\n</think>\\n\\n' -}}{%- endif -%}
{%- endif -%}"""

LLAMA2 = """{%- if messages[0].role == 'system' -%}
{%- set shown = messages[1:] -%}{%- set system = '<<SYS>>\\n' + messages[0].content + '\\n<</SYS>>\\n\\n' -%}
{%- else -%}{%- set shown = messages -%}{%- set system = '' -%}{%- endif -%}
{%- for m in shown -%}
{%- if (m.role == 'user') != (loop.index0 % 2 == 0) -%}{{- raise_exception('must alternate') -}}{%- endif -%}
{%- if m.role == 'user' -%}{{- '<s>[INST] ' + (system if loop.first else '') + m.content.strip() + ' [/INST]' -}}
{%- else -%}{{- ' ' + m.content.strip() + ' </s>' -}}{%- endif -%}{%- endfor -%}"""

GEMMA = """{{- '<s>' -}}{%- if messages[0].role == 'system' -%}{{- raise_exception('no system role') -}}{%- endif -%}
{%- for m in messages -%}
{{- '<start_of_turn>' + ('model' if m.role == 'assistant' else m.role) + '\\n' -}}
{{- m.content | trim + '<end_of_turn>\\n' -}}
{%- endfor -%}{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}"""

SYSTEM_LAST = """{%- set last = messages[-1].content -%}
{%- for m in messages -%}{%- if m.role == 'user' -%}
{{- '[INST] ' + (messages[0].content + '\\n\\n' if loop.last and messages[0].role == 'system' else '') -}}
{{- m.content + '[/INST]' -}}
{%- elif m.role == 'assistant' -%}{{- ' ' + m.content + '</s>' -}}{%- endif -%}{%- endfor -%}"""

ROUNDS = """{%- for m in messages -%}{%- if m.role == 'user' -%}
{{- '[Round ' ~ (loop.index0 // 2 + 1) ~ ']\\n' + m.content + '\\n' -}}
{%- else -%}{{- m.content + '</s>' -}}{%- endif -%}{%- endfor -%}"""

STRIPPING = """{%- for m in messages -%}
{%- if m.role == 'system' -%}{{- '<|im_start|>system\\n' + (m.content.rstrip() or 'You help.') + '<|im_end|>\\n' -}}
{%- elif m.role == 'user' -%}{{- '<|im_start|>user\\n' + m.content + '<|im_end|>\\n' -}}
{%- else -%}{{- '<|im_start|>assistant\\n' + m.content.lstrip('\\n') + '<|im_end|>\\n' -}}{%- endif -%}{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"""

TOKENS = ["<s>", "</s>", "<|im_start|>", "<|im_end|>", "<start_of_turn>", "<end_of_turn>", "<think>", "</think>"]


PREFILLED = QWEN3.replace("{{- '<|im_start|>assistant\\n' -}}\n", "{{- '<|im_start|>assistant\\n<think>\\n' -}}\n")


def _with(template: str) -> PreTrainedTokenizerFast:
    tokenizer = fit(TEXTS, 420)
    tokenizer.add_tokens(TOKENS)
    tokenizer.add_special_tokens({"eos_token": "</s>", "bos_token": "<s>"})
    tokenizer.chat_template = template
    tokenizer.name_or_path = "some/model"
    prepare(tokenizer, "own")
    return tokenizer


MADE = {
    name: rendering("own", _with(template))
    for name, template in {"qwen2": QWEN2, "llama2": LLAMA2, "gemma": GEMMA, "qwen3": QWEN3}.items()
}
TALKS = [talk("The tide?", "It turns."), talk("a", "b", "c", "d"), talk("a", "b", "c", "d", "潮", "汐 。")]


@pytest.mark.parametrize("name", ["qwen2", "llama2", "gemma"])
def test_ids_are_those_of_the_template_itself(name: str) -> None:
    made = MADE[name]
    for dialogue in [*TALKS, *([talk("a", "b", "c", "d", system="Be.")] if name != "gemma" else [])]:
        ids = made.encode(dialogue).input_ids.tolist()
        theirs = made.tokenizer.apply_chat_template(plain(dialogue), tokenize=True)["input_ids"]
        assert ids == theirs
        ours, mask = by_jinja(made, dialogue)
        assert ours == ids
        assert (made.encode(dialogue).labels != IGNORE_INDEX).astype(int).tolist() == mask
        asked = plain(dialogue)[:-1]
        prompt = made.tokenizer.apply_chat_template(asked, tokenize=True, add_generation_prompt=True)["input_ids"]
        assert made.prompt(dialogue.messages[:-1]) == prompt == ids[: len(prompt)]


@pytest.mark.parametrize(
    ("name", "taught"),
    [
        ("qwen2", "b<|im_end|>·d<|im_end|>"),
        ("llama2", " b </s>· d </s>"),
        ("gemma", "b<end_of_turn>·d<end_of_turn>"),
        ("qwen3", "b<|im_end|>·d<|im_end|>"),
    ],
)
def test_answers_and_their_ends_are_learned(name: str, taught: str) -> None:
    assert taught_text(MADE[name], talk("a", "b", "c", "d")) == taught


@UNHURRIED
@given(dialogues(HOSTILE, system=False))
def test_words_hold_no_control_tokens_whatever_was_typed(dialogue: Dialogue) -> None:
    made = MADE["qwen3"]
    ids = made.encode(dialogue).input_ids.tolist()
    starts = made.tokenizer.convert_tokens_to_ids(["<|im_start|>", "<think>"])
    assert [ids.count(start) for start in starts] == [len(dialogue.messages), 0]


def test_a_system_message_is_refused_where_the_template_refuses_it() -> None:
    audit = Audit()
    made = MADE["gemma"]
    assert examples(talk("a", "b", system="Be."), made, made.settings, audit) == []
    assert audit.refused == {"template own has no place for system messages at the start": 1}


def test_system_messages_have_no_place_where_the_template_moves_them_to_the_last_round() -> None:
    made, audit = rendering("own", _with(SYSTEM_LAST)), Audit()
    assert examples(talk("a", "b", "c", "d", system="Be."), made, made.settings, audit) == []
    assert audit.refused == {"template own has no place for system messages at the start": 1}
    dialogue = talk("a", "b", "c", "d")
    ids = made.encode(dialogue).input_ids.tolist()
    assert ids == made.tokenizer.apply_chat_template(plain(dialogue), tokenize=True)["input_ids"]


def _speaking(*turns: str) -> Dialogue:
    """A dialogue of (role, words)."""
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return Dialogue(id="d", messages=tuple(Message(role=roles[turn[0]], content=turn[1:]) for turn in turns))


@pytest.mark.parametrize("turns", [("ua", "ub", "ac"), ("ua", "ab", "ac", "ud", "ae"), ("aHello.", "ua", "ab")])
def test_neighbours_that_the_template_allows_are_written_as_it_writes_them(turns: tuple[str, ...]) -> None:
    made, dialogue = MADE["qwen2"], _speaking(*turns)
    ids = made.encode(dialogue).input_ids.tolist()
    assert ids == made.tokenizer.apply_chat_template(plain(dialogue), tokenize=True)["input_ids"]
    assert by_jinja(made, dialogue)[0] == ids
    audit = Audit()
    assert examples(dialogue, MADE["llama2"], MADE["llama2"].settings, audit) == []
    assert "template own has no place for" in next(iter(audit.refused))


@pytest.mark.parametrize("words", ["a", " a ", "\na", "a\n", "\n\u2028a \n", "潮\n\n", "\ta", "<|im_end|> "])
def test_words_are_stripped_at_the_ends_and_of_the_characters_that_the_template_strips(words: str) -> None:
    made = rendering("own", _with(STRIPPING))
    for dialogue in (_speaking("s" + words, "ua", "ab"), _speaking("u" + words, "ab"), _speaking("ua", "a" + words)):
        theirs = made.tokenizer.apply_chat_template(plain(dialogue), tokenize=False)
        assert made.tokenizer.decode(made.encode(dialogue).input_ids) == theirs
        assert made.tokenizer.apply_chat_template(plain(dialogue), chat_template=made.jinja, tokenize=False) == theirs


def test_an_empty_message_has_no_place_where_the_template_puts_words_of_its_own_into_it() -> None:
    made, audit = rendering("own", _with(STRIPPING)), Audit()
    assert examples(talk("a", "b", system=" \n"), made, made.settings, audit) == []
    assert audit.refused == {"template own has no place for empty system messages": 1}
    assert len(examples(talk("", "b"), made, made.settings, audit)) == 1


@pytest.mark.parametrize("thoughts", ["\nfirst\n", " first "])
def test_thoughts_and_the_words_behind_them_are_stripped_as_the_template_strips_them(thoughts: str) -> None:
    made = _thinking("per_turn")
    one = Dialogue(
        id="d",
        messages=(Message(role="user", content="a"), Message(role="assistant", content="\n b\n", thoughts=thoughts)),
    )
    theirs = made.tokenizer.apply_chat_template(_for_jinja(one), tokenize=True)["input_ids"]
    assert made.encode(one).input_ids.tolist() == theirs
    assert by_jinja(made, one)[0] == theirs


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (ROUNDS, "it writes a dialogue uauaua as"),
        (QWEN2.replace("+ m.content +", "+ m.content + m.name +"), "'dict object' has no attribute 'name'"),
        (QWEN2.replace("+ m.content +", "+ m.content + 1 +"), "it fails: can only concatenate str"),
        (QWEN2.replace("+ m.content +", "+ m.content | indent(2) +"), "it changes white space around"),
        (QWEN2.replace("'<|im_end|>' + '\\n'", "'\\n'"), "which holds no control token to learn as its end"),
        (QWEN2.replace("+ m.content +", "+ m.content | upper +"), "loses, doubles or moves a message"),
        (QWEN2.replace("assistant\\n' -}}{%- endif", "bot\\n' -}}{%- endif"), "is no beginning of an answer"),
        ("{{ nothing.at.all }}", "'nothing' is undefined"),
    ],
)
def test_a_template_that_cannot_be_taken_apart_is_named_with_the_reason(template: str, reason: str) -> None:
    with pytest.raises(UsageError, match="the chat template of 'some/model' cannot be taken apart") as caught:
        rendering("own", _with(template))
    assert reason in str(caught.value)
    assert "choose one of trainer/templates, such as chatml" in str(caught.value)


THINKING = Dialogue(
    id="d",
    messages=(
        Message(role="user", content="a"),
        Message(role="assistant", content="b", thoughts="first"),
        Message(role="user", content="c"),
        Message(role="assistant", content="d", thoughts="second"),
    ),
)


def _thinking(choice: str) -> Renderer:
    return rendering("own", _with(QWEN3), thoughts=choice)


def _for_jinja(dialogue: Dialogue) -> list[dict[str, str]]:
    return [
        {"role": m.role, "content": m.content, **({"reasoning_content": m.thoughts} if m.thoughts else {})}
        for m in dialogue.messages
    ]


def test_thoughts_of_each_turn_are_learned_with_the_text_that_the_template_writes_for_it() -> None:
    made, audit = _thinking("per_turn"), Audit()
    turns = examples(THINKING, made, made.settings, audit)
    assert len(turns) == audit.examples == 2
    for number, example in zip((2, 4), turns, strict=True):
        so_far = THINKING.model_copy(update={"messages": THINKING.messages[:number]})
        theirs = made.tokenizer.apply_chat_template(_for_jinja(so_far), tokenize=True)["input_ids"]
        assert example.input_ids.tolist() == theirs
        assert by_jinja(made, so_far)[0] == theirs
        prompt = made.prompt(so_far.messages[:-1])
        assert example.input_ids[: len(prompt)].tolist() == prompt
        taught = made.tokenizer.decode(example.labels[example.labels != IGNORE_INDEX])
        assert taught == "<think>\nfirst\n</think>\n\nb<|im_end|>" if number == 2 else taught.startswith("<think>\nsec")


@pytest.mark.parametrize(("choice", "blocks"), [("keep", 2), ("none", 0)])
def test_thoughts_are_kept_or_left_out_in_all_turns_so_that_each_prompt_is_a_prefix(choice: str, blocks: int) -> None:
    made = _thinking(choice)
    ids = made.encode(THINKING).input_ids.tolist()
    assert made.tokenizer.decode(ids).count("<think>") == blocks
    assert by_jinja(made, THINKING)[0] == ids
    for number in (1, 3):
        prompt = made.prompt(THINKING.messages[:number])
        assert ids[: len(prompt)] == prompt


@pytest.mark.parametrize("choice", ["none", "keep", "per_turn"])
def test_a_think_mark_that_the_prompt_writes_is_left_to_the_model(choice: str) -> None:
    made = rendering("own", _with(PREFILLED), thoughts=choice)
    assert PREFILLED != QWEN3
    assert made.tokenizer.decode(made.prompt(THINKING.messages[:1])).endswith("<|im_start|>assistant\n")
    one = THINKING.model_copy(update={"messages": THINKING.messages[:2]})
    assert by_jinja(made, one)[0] == made.encode(one).input_ids.tolist()
    assert taught_text(made, one) == ("" if choice == "none" else "<think>\nfirst\n</think>\n\n") + "b<|im_end|>"


def test_thoughts_need_a_place_in_the_template() -> None:
    with pytest.raises(UsageError, match=r"it has no place for thoughts \(thoughts = none leaves them out\)"):
        rendering("own", _with(QWEN2), thoughts="keep")


def test_a_tokenizer_without_a_template_is_told_to_take_another() -> None:
    tokenizer = fit(TEXTS, 300)
    tokenizer.chat_template = None
    with pytest.raises(UsageError, match=r"template = own: the tokenizer .* has no chat template; try chatml"):
        prepare(tokenizer, "own")
    assert settings("own").template == "own"
