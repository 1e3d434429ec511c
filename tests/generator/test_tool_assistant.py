"""A whole run of the sector with tools against servers that answer in shape, out of it, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from faulty import Answer, FaultyServer, reply

from gen.config import run_settings
from generator.progress import Progress
from generator.run import run
from generator.tools.assistant import ATTEMPTS, IN_VAIN

OPENERS = [f"what do {n} lamps at 7 each come to?" for n in range(30, 70)]
ALL_ON = """
commands = 2
passages = "p.jsonl"
needed = 1
others = 1
[tool_of]
[goals]
en = ["it"]
[facts]
en = ["x"]
[tasks.en]
"""
ALL_OFF = ALL_ON.replace("others = 1", "others = 0")


async def played(
    tmp_path: Path, assistant: Callable[[list[str], int], Answer], n: int = 1, tools: str = ALL_ON
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """Summary, dialogues, and the assistant's requests, of a run of one round each on own openers."""
    folder = tmp_path / "prompts" / "sectors" / "tool-use"
    folder.mkdir(parents=True)
    (folder / "tools.toml").write_text(tools, encoding="utf-8")
    (folder / "p.jsonl").write_text('{"name": "Tea", "text": "Tea is drunk hot."}\n', encoding="utf-8")
    (tmp_path / "openers.txt").write_text("\n".join(OPENERS[:n]))
    asked: list[dict[str, Any]] = []

    def behave(number: int, body: dict[str, Any]) -> Answer:
        asked.append(body)
        return assistant([message["content"] for message in body["messages"]], len(asked))

    async with FaultyServer(behave) as server:
        flags = {"sector": "tool-use", "n": n, "out": tmp_path / "run", "endpoint": server.base_url, "model": "m"}
        more = {"openers": tmp_path / "openers.txt", "rounds": "1-1", "prompts": tmp_path / "prompts"}
        settings = run_settings({name: str(value) for name, value in {**flags, **more}.items()}, environ={})
        summary = await run(settings, progress=Progress())
    lines = (tmp_path / "run" / "dialogues.jsonl").read_bytes().splitlines()
    return summary, [orjson.loads(line) for line in lines], asked


async def test_a_command_its_result_and_the_answer_stand_in_the_record(tmp_path: Path) -> None:
    def speak(texts: list[str], count: int) -> Answer:
        if texts[-1].startswith("Results:\n"):
            return reply("Thought: There it is.\nAnswer: 210 in all.")
        return reply('Thought: A product.\nCommand: Calculate("30 * 7")\nCommand: Search("tea")')

    summary, dialogues, asked = await played(tmp_path, speak)
    assert summary["status"] == 0
    system, _, command, results, answer = dialogues[0]["messages"]
    assert command == {
        "role": "assistant",
        "content": "",
        "thoughts": "A product.",
        "tool_calls": [{"raw": 'Calculate("30 * 7")'}, {"raw": 'Search("tea")'}],
        "model": "faulty-1",
    }
    assert results == {
        "role": "tool",
        "content": 'Calculate("30 * 7") => 210\nSearch("tea") =>\n[1] Tea is drunk hot.',
    }
    assert (answer["content"], answer["thoughts"]) == ("210 in all.", "There it is.")
    assert dialogues[0]["usage"]["assistant"]["requests"] == 2
    assert "at most 2 in a reply" in asked[0]["messages"][0]["content"]
    assert "at most 2" not in system["content"]
    last = asked[1]["messages"]
    assert [message["role"] for message in last] == ["system", "user", "assistant", "user"]
    assert last[2]["content"] == 'Thought: A product.\nCommand: Calculate("30 * 7")\nCommand: Search("tea")'
    assert last[:2] == asked[0]["messages"]  # a prefix that a provider's cache holds
    assert dialogues[0]["seed"]["extra"]["tools"] == {"enabled": ["Calculate", "Solve", "Search"]}


async def test_a_reply_out_of_shape_is_asked_again_with_what_was_wrong(tmp_path: Path) -> None:
    said = ["It is 210.", "Thought: x\nCommand: Calculate(30 * 7)", "Thought: By heart.\nAnswer: 210."]
    summary, dialogues, asked = await played(tmp_path, lambda texts, count: reply(said[count - 1]))
    assert summary["tally"]["noted"] == {"shape": 1, "no_command": 1}
    assert dialogues[0]["messages"][-1]["content"] == "210."
    assert dialogues[0]["usage"]["assistant"]["requests"] == 3
    assert (
        "* * *\nNote: your last reply was not accepted. It did not have the shape"
        in asked[1]["messages"][-1]["content"]
    )
    assert "This is no command: Command: Calculate(30 * 7)" in asked[2]["messages"][-1]["content"]
    assert len({body["seed"] for body in asked}) == 3
    assert not any("not accepted" in message["content"] for message in dialogues[0]["messages"])


async def test_a_tool_that_is_off_is_never_executed(tmp_path: Path) -> None:
    def speak(texts: list[str], count: int) -> Answer:
        return reply('Thought: x\nCommand: Calculate("30 * 7")' if count == 1 else "Thought: y\nAnswer: About 200.")

    summary, dialogues, asked = await played(tmp_path, speak, tools=ALL_OFF)
    assert summary["tally"]["noted"] == {"disabled_tool": 1}
    assert [message["role"] for message in dialogues[0]["messages"]] == ["system", "user", "assistant"]
    assert "Command:" not in asked[0]["messages"][0]["content"]
    assert 'It used a tool that is off: Calculate("30 * 7")' in asked[1]["messages"][-1]["content"]


async def test_a_dialogue_without_a_reply_in_shape_fails_with_the_reason(tmp_path: Path) -> None:
    summary, dialogues, asked = await played(tmp_path, lambda texts, count: reply("I like lamps."), n=3)
    assert (summary["status"], summary["failed_reasons"], dialogues) == (1, {"bad_reply": 3}, [])
    assert len(asked) == 3 * ATTEMPTS
    failure = orjson.loads((tmp_path / "run" / "failures.jsonl").read_bytes().splitlines()[0])
    assert failure["detail"] == "shape: I like lamps."


async def test_a_model_that_never_answers_in_shape_stops_the_run_soon(tmp_path: Path) -> None:
    summary, _, asked = await played(tmp_path, lambda texts, count: reply("I like lamps."), n=40)
    assert summary["status"] == 3
    assert "had not the shape asked for" in summary["stopped"]
    assert len(asked) <= (IN_VAIN + 40) * ATTEMPTS  # all slots were under way


async def test_a_cut_answer_ends_the_dialogue_and_cut_commands_are_asked_again(tmp_path: Path) -> None:
    def speak(texts: list[str], count: int) -> Answer:
        if count == 1:
            return reply('Thought: x\nCommand: Calculate("30 * 7")\nCommand: Calc', finish_reason="length")
        return reply("Thought: x\nAnswer: It is two hun", finish_reason="length")

    summary, dialogues, _ = await played(tmp_path, speak)
    assert summary["tally"]["noted"] == {"cut": 1}
    assert (dialogues[0]["stop"], dialogues[0]["messages"][-1]["content"]) == ("max_tokens", "It is two hun")


async def test_a_refusal_is_an_answer_as_it_stands(tmp_path: Path) -> None:
    summary, dialogues, _ = await played(tmp_path, lambda texts, count: reply("", refusal="I cannot do that."))
    assert (summary["status"], dialogues[0]["stop"]) == (0, "refused")
    assert dialogues[0]["messages"][-1]["content"] == "I cannot do that."
