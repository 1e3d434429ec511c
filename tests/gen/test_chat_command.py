"""`gen chat`: a scripted conversation, what a terminal is shown, and files of prompts."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import babbler
import pytest
from runs import ROOT

from dialogue.chance import hash64
from dialogue.lock import take_file
from dialogue.records import Message
from gen.answering import _in_order
from gen.chatting import Chat, show
from gen.main import main
from gen.prompt_files import Asked, read_prompts
from gen.text import safe
from trainer.serving.conversation import Conversation
from trainer.serving.engine import PromptTooLong, Sampling
from trainer.serving.loading import Loaded, opened

SHORT = ("--max-tokens", "6", "--device", "cpu")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return babbler.save(tmp_path_factory.mktemp("models") / "babbler")


@pytest.fixture(scope="module")
def loaded(model: Path) -> Loaded:
    return opened(model)


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_bytes().decode().split("\n") if line]


# The conversation


def test_a_script_is_answered_line_by_line_and_saved(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = tmp_path / "said.jsonl"
    script = f"hello\nand now?\n/save {saved}\n/system be brief\nhi\n/save {saved}\n/exit\nnever read\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    assert main(["chat", str(model), *SHORT, "--seed", "7"]) == 0
    first, second = rows(saved)
    assert [one["role"] for one in first["messages"]] == ["user", "assistant"] * 2
    assert [one["role"] for one in second["messages"]] == ["system", "user", "assistant"]
    assert second["messages"][0]["content"] == "be brief"
    assert first["assistant_model"] == "babbler"
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x00" not in out


def test_the_same_seed_says_the_same_again(loaded: Loaded) -> None:
    def said(seed: int) -> list[str]:
        conversation = Conversation(loaded, Sampling(max_tokens=8), seed=seed)
        return ["".join(conversation.ask(text)) for text in ("hello", "hello")]

    assert said(1) == said(1) != said(2)
    assert said(1)[0] != said(1)[1]


def test_the_oldest_rounds_are_forgotten_and_the_system_message_never(loaded: Loaded) -> None:
    conversation = Conversation(loaded, Sampling(max_tokens=40, temperature=0), system="be brief")
    for number in range(12):
        "".join(conversation.ask(f"question {number} of many"))
    shown = conversation.shown()
    assert len(conversation.messages) == 24
    assert 0 < conversation.forgotten < 24
    assert conversation.forgotten % 2 == 0
    assert shown[0] == Message(role="system", content="be brief")
    assert shown[1].role == "user"
    assert shown[-2].content == "question 11 of many"
    assert len(loaded.voice.prompt(shown[:-1])) + 40 <= loaded.engine.context
    conversation.reset()
    assert conversation.shown() == shown[:1]


def test_what_cannot_be_done_is_said_and_the_conversation_goes_on(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = f"{'long ' * 300}\n/save\n/save {tmp_path}/x.jsonl\n/sing\nhello\n/save {tmp_path}/no/x.jsonl\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(script))
    assert main(["chat", str(model), *SHORT]) == 1
    said = capsys.readouterr()
    for part in ("context holds 256", "which file?", "nothing was said yet", "/sing: no such command", "No such file"):
        assert part in said.err
    assert said.out.strip(), "hello was answered"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_is_shown_markdown_and_nothing_of_the_model_steers_it() -> None:
    pieces = iter(["# Tit", "le\n\n**bo", "ld** \x1b[31mred \x1b]8;;http://evil\x07link \x9b2J [a](http://evil)"])
    screen = Terminal()
    show(pieces, screen)
    said = screen.getvalue()
    final = said.rpartition("\x1b[?25h")[2]  # what is left on the screen; a slow machine shows halves before
    assert "Title" in final
    assert "**" not in final
    for forbidden in ("\x1b[31m", "\x1b]8", "\x07", "\x9b"):
        assert forbidden not in said


def test_a_terminal_shows_every_line_break_and_letters_where_they_are_asked_for() -> None:
    poem = "Roses are red\nviolets are **blue**\n\n- one\n- two"
    screen, plain = Terminal(), Terminal()
    assert show(iter([poem]), screen)
    assert show(iter([poem]), plain, raw=True)
    lines = [line.strip() for line in screen.getvalue().splitlines()]
    assert any("Roses are red" in line and "violets" not in line for line in lines)
    assert plain.getvalue() == poem + "\n"


def test_what_a_command_did_is_said(loaded: Loaded, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = tmp_path / "said.jsonl"
    chat = Chat(Conversation(loaded, Sampling(max_tokens=4), seed=0), "babbler", io.StringIO())
    assert chat.run(iter(["/reset", "/system be brief", "/reset", "hi", f"/save {saved}", f"/save {saved}"])) == 0
    assert capsys.readouterr().err.splitlines() == [
        "begun anew",
        "begun anew, with this system message",
        "begun anew; the system message stays",
        f"saved to {saved}",
        f"appended to {saved}",
    ]
    assert len(rows(saved)) == 2
    assert chat.run(iter(["/save ~nobody-of-this-name/x"])) == 1
    assert "/save ~nobody-of-this-name/x: " in capsys.readouterr().err
    assert chat.run(iter(["/system", "/raw", "/raw", "/sav x"])) == 1
    assert capsys.readouterr().err.splitlines() == [
        "begun anew, without a system message",
        "replies are shown as they are written",
        "replies are shown as Markdown",
        "/sav: no such command; did you mean /save?",
    ]


def test_a_line_that_is_not_utf_8_is_left_out_and_the_talk_goes_on(model: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gen.main", "chat", str(model), *SHORT],
        input="caf\u00e9\n".encode("latin-1") + "你好\u2028再见\n".encode(),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines()[-1] == "a line that is not UTF-8 is left out"
    assert done.stdout.strip(), "the other one was answered"


def test_ctrl_c_breaks_off_the_reply_and_keeps_what_came(loaded: Loaded) -> None:
    conversation = Conversation(loaded, Sampling(max_tokens=200, temperature=0, stop_ids=()), seed=0)

    def interrupted() -> Iterator[str]:
        reply = conversation.ask("hello")
        yield next(reply)
        reply.close()
        raise KeyboardInterrupt

    out = io.StringIO()
    assert not show(interrupted(), out)
    assert safe(conversation.messages[-1].content) + "\n" == out.getvalue()
    assert not loaded.engine.busy
    assert Chat(conversation, "babbler", out).run(iter(["and then?"])) == 0


def test_a_text_that_is_too_long_leaves_the_conversation_as_it_was(loaded: Loaded) -> None:
    conversation = Conversation(loaded, Sampling(max_tokens=4), seed=0)
    for text in ("hello", "and then?"):
        list(conversation.ask(text))
    before = conversation.shown()
    with pytest.raises(PromptTooLong):
        list(conversation.ask("long " * 300))
    assert conversation.shown() == before
    assert conversation.forgotten == 0


def test_what_the_template_cannot_hold_is_not_kept_in_the_conversation(loaded: Loaded) -> None:
    class NoSystem:
        def prompt(self, messages: Sequence[Message]) -> list[int]:
            if messages[0].role == "system":
                raise ValueError("no system message, please")
            return loaded.voice.prompt(messages)

    own = loaded._replace(voice=loaded.voice._replace(manner=NoSystem()))
    conversation = Conversation(own, Sampling(max_tokens=4), seed=0)
    chat = Chat(conversation, "babbler", io.StringIO())
    assert chat.run(iter(["/system be brief", "hello"])) == 1
    assert conversation.messages == []
    assert chat.run(iter(["/system", "hello"])) == 0
    assert [one.role for one in conversation.messages] == ["user", "assistant"]


def test_save_joins_lines_of_json_only_and_ends_the_last_one(
    loaded: Loaded, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "torn.jsonl").write_bytes(b'{"messages": []}')
    (tmp_path / "notes.txt").write_text("milk\n")
    script = ["hello", f"/save {tmp_path}/torn.jsonl", f"/save {tmp_path}/notes.txt", f"/save {tmp_path}/no/where"]
    assert Chat(Conversation(loaded, Sampling(max_tokens=4)), "babbler", io.StringIO()).run(iter(script)) == 1
    assert [len(row["messages"]) for row in rows(tmp_path / "torn.jsonl")] == [0, 2]
    assert (tmp_path / "notes.txt").read_text() == "milk\n"
    said = capsys.readouterr().err
    assert "holds something other than JSONL" in said
    assert "No such file or directory" in said


# Files of prompts


def test_a_file_of_prompts_is_answered_once_whatever_was_interrupted(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, out = tmp_path / "prompts.jsonl", tmp_path / "answers.jsonl"
    lines = [json.dumps({"id": f"q{number}", "prompt": f"question {number}"}) for number in range(9)]
    prompts.write_text(
        "\n".join([*lines, "a plain line", json.dumps({"messages": [{"role": "user", "content": "x"}]})])
    )
    command = ["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT]
    assert main(command) == 0
    whole = {row["id"]: row for row in rows(out)}
    assert len(whole) == 11
    assert all(row["messages"][-1]["role"] == "assistant" for row in whole.values())
    kept = out.read_bytes().split(b"\n")
    out.write_bytes(b"\n".join(kept[:4]) + b"\n\n" + kept[4][:30])  # as a kill leaves it, and an editor
    assert main(command) == 0
    assert {row["id"]: row for row in rows(out)} == whole
    assert "7 prompts answered, 4 were answered before" in capsys.readouterr().out
    assert [row["messages"][0]["content"] for row in rows(out)] == [
        *(f"question {n}" for n in range(9)),
        "a plain line",
        "x",
    ]


def test_turns_are_asked_each_behind_the_answer_to_the_one_before(loaded: Loaded, model: Path, tmp_path: Path) -> None:
    prompts, out = tmp_path / "mt.jsonl", tmp_path / "answers.jsonl"
    lines: list[dict] = [
        {
            "question_id": 80 + number,
            "category": "writing",
            "turns": [f"question {number}", "and then?", "why?"][:turns],
        }
        for number, turns in enumerate((3, 1, 2, 3, 2))
    ]
    prompts.write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT, "--max-batch", "2"]
    assert main(command) == 0
    whole = rows(out)
    for line, row in zip(lines, whole, strict=True):
        assert [one["content"] for one in row["messages"][::2]] == line["turns"]
        assert {one["role"] for one in row["messages"][1::2]} == {"assistant"}
        assert row["usage"]["assistant"]["requests"] == len(line["turns"])
        assert row["seed"]["extra"] == {"question_id": line["question_id"], "category": "writing"}
    first = whole[0]["messages"]
    ids = loaded.voice.prompt([Message.model_validate(one) for one in first[:5]])
    sampling = Sampling(max_tokens=6, seed=hash64("answer", 0, whole[0]["id"], 2) >> 1)
    assert loaded.engine.complete([ids], sampling)[0].text == first[5]["content"]
    out.write_bytes(b"".join(out.read_bytes().splitlines(keepends=True)[:2]))
    assert main(command) == 0
    assert rows(out) == whole


def test_a_later_question_that_does_not_fit_is_a_failure_with_what_was_said(model: Path, tmp_path: Path) -> None:
    prompts, out = tmp_path / "mt.jsonl", tmp_path / "answers.jsonl"
    prompts.write_text(json.dumps({"id": "a", "turns": ["hi", "long " * 300]}) + "\nhello\n")
    assert main(["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT]) == 1
    assert len(rows(out)) == 1
    (failure,) = rows(Path(f"{out}.failures.jsonl"))
    assert [one["role"] for one in failure["messages"]] == ["user", "assistant", "user"]


def test_what_a_line_tells_beside_its_prompt_stays_with_the_answer(model: Path, tmp_path: Path) -> None:
    prompts, out = tmp_path / "p.jsonl", tmp_path / "answers.jsonl"
    told = {"id": 7, "prompt": "hi", "kind": "easy", "sector": "s", "seed": {"topic": "sea"}, "usage": {}, "run": "old"}
    prompts.write_text(json.dumps(told))
    assert main(["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT]) == 0
    (row,) = rows(out)
    assert (row["id"], row["sector"], row["run"]) == ("7", "s", None)
    assert (row["seed"]["topic"], row["seed"]["extra"]) == ("sea", {"kind": "easy"})


def test_a_prompt_that_does_not_fit_is_a_failure_with_its_reason(model: Path, tmp_path: Path) -> None:
    prompts, out = tmp_path / "prompts.txt", tmp_path / "answers.jsonl"
    prompts.write_text("short\n" + "long " * 300 + "\n")
    assert main(["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT]) == 1
    assert len(rows(out)) == 1
    (failure,) = rows(Path(f"{out}.failures.jsonl"))
    assert failure["reason"] == "bad_request"
    assert "context holds 256" in failure["detail"]


def test_answers_to_another_request_are_not_mixed(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    prompts, out = tmp_path / "prompts.txt", tmp_path / "answers.jsonl"
    prompts.write_text("hello\n")
    command = ["chat", str(model), "--prompts", str(prompts), "--out", str(out), *SHORT]
    assert main(command) == 0
    assert main([*command, "--temperature", "0"]) == 2
    assert "sampling.temperature was 1.0, is now 0.0;" in capsys.readouterr().err.replace("); choose", ";")
    other = babbler.save(tmp_path / "babbler", seed=1)
    assert main(["chat", str(other), *command[2:]]) == 2
    assert 'model was "babbler-' in capsys.readouterr().err
    (tmp_path / "mine.jsonl").write_text("{}\n")
    assert main([*command[:-6], "--out", str(tmp_path / "mine.jsonl"), *SHORT]) == 2
    assert "not ours" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ('{"messages": []}', "nothing to answer"),
        ('{"messages": [{"role": "assistant", "content": "x"}]}', "nothing to answer"),
        (
            '{"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]}',
            "take it out to have",
        ),
        ('{"id": 3}', r"needs `messages`, `prompt` or `turns` \(there are: id\)"),
        ('{"question_id": 1, "text": "x"}', r"\(there are: question_id, text\)"),
        ("{}", "there are: no field"),
        ('{"prompt": 3}', "prompt: a number, expected a text"),
        ('{"turns": "x"}', "turns: a text, expected a list of questions"),
        ('{"turns": []}', "turns: is empty"),
        ('{"turns": ["x", null]}', "turns: is missing"),
        ('{"prompt": "x", "seed": 3}', "seed: "),
        ('{"prompt": ', "line 1"),
        ('{"messages": [{"role": "wizard", "content": "x"}]}', "role"),
        ('{"id": "one", "prompt": "again"}', "stands in line 1 already"),
    ],
)
def test_a_line_that_is_no_prompt_is_named(line: str, word: str, tmp_path: Path) -> None:
    from dialogue.errors import UsageError

    path = tmp_path / "prompts.jsonl"
    path.write_text('{"id": "one", "prompt": "x"}\n' + line + "\n")
    with pytest.raises(UsageError, match=rf"prompts.jsonl:2: .*{word}"):
        list(read_prompts(path))


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "holds no prompt"), (" \n\n", "holds no prompt"), ('[\n{"prompt": "a"}\n]\n', ":1: a JSON array")],
)
def test_a_file_without_prompts_is_told_before_a_model_is_opened(
    text: str, word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p").write_text(text)
    out = tmp_path / "out.jsonl"
    assert main(["chat", str(tmp_path / "nowhere"), "--prompts", str(tmp_path / "p"), "--out", str(out)]) == 2
    assert word in capsys.readouterr().err
    assert not out.exists()
    (tmp_path / "p").write_text("[sighs] And now?\n")
    assert [one.messages[0].content for one in read_prompts(tmp_path / "p")] == ["[sighs] And now?"]


def test_two_commands_do_not_answer_into_one_file(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.txt").write_text("hello\n")
    out = tmp_path / "new" / "out.jsonl"
    command = ["chat", str(model), "--prompts", str(tmp_path / "p.txt"), "--out", str(out), *SHORT]
    with take_file(out):
        assert main(command) == 2
    assert "another command is at work on it" in capsys.readouterr().err
    assert main(command) == 0
    Path(f"{out}.json").write_text("{torn")
    assert main(command) == 2
    assert "out.jsonl.json is damaged" in capsys.readouterr().err


def test_prompts_that_are_not_utf_8_are_named(tmp_path: Path) -> None:
    from dialogue.errors import UsageError

    (tmp_path / "p.txt").write_bytes("fine\nd\u00e9j\u00e0\n".encode("latin-1"))
    with pytest.raises(UsageError, match=r"p.txt:2: not UTF-8"):
        list(read_prompts(tmp_path / "p.txt"))


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--prompts", "x"), "go together"),
        (("--temperature", "hot"), "--temperature: "),
        (("--top-p", "3"), "--top-p: "),
        (("--dtype", "int3"), "--dtype int3: expected auto, float32"),
        (("--device", "abacus"), "--device abacus: "),
        (("--device", "mps"), "--device mps: not on this machine, or not in this torch; take cpu, or leave it out"),
        (("--device", "cuda:99"), "--device cuda:99: "),
        (("--device", "meta"), "--device meta: "),
        (("--system", "@nowhere"), "--system @nowhere: No such file or directory"),
        (("--system", f"@{sys.executable}"), ": not UTF-8"),
    ],
)
def test_a_wrong_flag_is_one_line(
    words: tuple[str, ...], part: str, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["chat", str(model), *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert part in line


def test_a_model_that_is_not_there_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at open files where the system lists them")
def test_answers_are_put_in_order_in_a_file_that_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, replace = tmp_path / "out.jsonl", Path.replace

    def replaced(beside: Path, target: Path) -> Path:
        held = {os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}
        assert str(target) not in held, "Windows replaces no file that is open"
        return replace(beside, target)

    monkeypatch.setattr(Path, "replace", replaced)
    out.write_bytes(b'{"id": "b"}\n{"id": "other"}\n{"id": "a"}\n')
    _in_order(out, [Asked(1, "a", ()), Asked(2, "b", ())])
    assert out.read_bytes() == b'{"id": "a"}\n{"id": "b"}\n{"id": "other"}\n'


def test_prompts_may_be_messages_as_others_spell_them(tmp_path: Path) -> None:
    from dialogue.errors import UsageError

    parts = [{"type": "text", "text": "Why "}, {"type": "text", "text": "so?"}]
    spoken = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    (tmp_path / "p").write_text(
        "".join(json.dumps(row) + "\n" for row in ({"prompt": spoken}, {"messages": spoken, "id": 2}))
    )
    for one in read_prompts(tmp_path / "p"):
        assert [(each.role, each.content) for each in one.messages] == [("system", "Be brief."), ("user", "Why so?")]
    (tmp_path / "p").write_text(json.dumps({"prompt": [{"role": "user", "content": [{"type": "image_url"}]}]}))
    with pytest.raises(UsageError, match=r"p:1: .*a part of type 'image_url'; only texts are held"):
        list(read_prompts(tmp_path / "p"))
