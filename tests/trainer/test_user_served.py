"""A model of the user's side in use: over the wire, in a conversation, in the samples of its training."""

import io
from pathlib import Path
from typing import Any

import openai
import pytest
import small_models
from small_trainings import toy
from small_users import trained_user

from dialogue.errors import UsageError
from gen.chatting import Chat
from gen.main import main
from gen.serving import _said
from trainer.loop.ahead import look_ahead
from trainer.loop.train import train
from trainer.serving.conversation import Conversation
from trainer.serving.engine import Sampling
from trainer.serving.loading import Loaded, opened
from trainer.serving.server import serving
from trainer.serving.voice import BadMessages
from trainer.stages import stages

ROUND = [{"role": "user", "content": "Where do I live?"}, {"role": "assistant", "content": "In Warsaw."}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("users")


@pytest.fixture(scope="module")
def loaded(folder: Path) -> Loaded:
    return trained_user(folder)[1]


async def test_it_writes_the_next_message_and_the_first_one(loaded: Loaded) -> None:
    brief = {"role": "system", "content": "a nurse"}
    async with serving(loaded) as url, openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as ask:
        for messages in (ROUND, [brief], [brief, *ROUND], [{**brief, "role": "developer"}], []):
            found = await ask.chat.completions.create(model=loaded.name, messages=messages, max_tokens=5, seed=1)
            assert found.choices[0].message.role == "assistant", "as the wire has every reply"
        for wrong in ([ROUND[0]], [*ROUND, ROUND[0]], [*ROUND, {"role": "tool", "content": "4"}]):
            with pytest.raises(openai.BadRequestError, match=r"this model was taught the user's side .* of the role"):
                await ask.chat.completions.create(model=loaded.name, messages=wrong, max_tokens=5)


def test_it_opens_the_conversation_and_the_person_answers(
    loaded: Loaded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import orjson

    conversation, saved = Conversation(loaded, Sampling(max_tokens=4), seed=3), tmp_path / "said.jsonl"
    out = io.StringIO()
    assert Chat(conversation, loaded.name, out).run(iter(["In Warsaw.", f"/save {saved}", "/reset"])) == 0
    assert "you answer as the assistant" in capsys.readouterr().err
    assert [message.role for message in conversation.messages] == ["user"], "after /reset it has begun again"
    row = orjson.loads(saved.read_bytes())
    assert [message["role"] for message in row["messages"]] == ["user", "assistant", "user"]
    assert row["user_model"] == loaded.name
    assert row["assistant_model"] is None


def test_the_oldest_rounds_are_forgotten_and_it_still_begins_with_its_own_words(loaded: Loaded) -> None:
    conversation = Conversation(loaded, Sampling(max_tokens=100), system="a nurse", seed=1)
    list(conversation.open())
    for _ in range(12):
        list(conversation.ask("In Warsaw, as I said before, and nowhere else."))
    assert conversation.forgotten > 0
    assert conversation.shown()[1].role == "user"


def test_a_file_of_prompts_is_refused_and_the_server_says_what_it_is(
    loaded: Loaded, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts = tmp_path / "p.txt"
    prompts.write_text("Hello\n", encoding="utf-8")
    assert main(["chat", str(folder / "out"), "--prompts", str(prompts), "--out", str(tmp_path / "a.jsonl")]) == 2
    assert "taught the user's side (train_on = user) and answers nothing" in capsys.readouterr().err
    assert "writes the user's turns" in _said(loaded)


def _learned(folder: Path, **changes: Any) -> dict[str, Any]:
    asked = {"template": "marks", "train_on": "user", "validation": 12, "eval_every": 20, "samples": 3, "exact": 10}
    return train(toy(folder, **{**asked, "max_steps": 120, "save_every": 120, **changes}), lambda _: None)


def test_a_training_samples_and_counts_the_users_turns(tmp_path: Path) -> None:
    import json

    summary = _learned(tmp_path)
    assert summary["n"] > 0
    entries = [json.loads(line) for line in (tmp_path / "out" / "log.jsonl").read_text().splitlines()]
    samples = [sample for entry in entries for sample in entry.get("samples", ())]
    assert {sample["wanted"] for sample in samples} <= {"Who am I?"} | {
        f"I live in {town}." for town in ("Rome", "Oslo", "Lima", "Bonn")
    }
    assert samples[-1]["reply"].startswith(("Who am I?", "I live in"))
    assert "It was taught the user's side" in (tmp_path / "out" / "model" / "README.md").read_text()


def test_a_template_that_cannot_end_a_users_turn_ends_the_training_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="train_on = user: template vicuna has no mark that ends the user's words"):
        _learned(tmp_path, template="vicuna")
    chain = toy(tmp_path, template="vicuna", stages=({"name": "a"}, {"name": "b", "train_on": "user"}))
    with pytest.raises(UsageError, match=r"stages.b: train_on = user: template vicuna has no mark"):
        look_ahead(chain, stages(chain))


USER_LM = """{%- for m in messages -%}
{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>user\\n' -}}{%- endif -%}"""


def test_a_model_of_others_whose_template_opens_the_users_turn_is_one_too(tmp_path: Path) -> None:
    place = small_models.base(tmp_path / "userlm")
    for template, speaker in ((USER_LM, "user"), (USER_LM.replace("user\\n", "assistant\\n"), "assistant")):
        (place / "chat_template.jinja").write_text(template, encoding="utf-8")
        assert opened(place).voice.speaker == speaker
    with pytest.raises(BadMessages, match="there are none; begin with a system message that tells it who it is"):
        opened(place).voice.prompt([])
