from collections.abc import Sequence

from dialogue.records import Message, Usage
from generator.play import Turn, play


class Reader:
    """Says its lines one after the other, then ends the dialogue."""

    def __init__(self, role: str, *lines: str, finish_reason: str | None = None) -> None:
        self._role = role
        self._lines = list(lines)
        self._finish_reason = finish_reason

    async def reply(self, history: Sequence[Message]) -> Turn | None:
        if not self._lines:
            return None
        reason = self._finish_reason if len(self._lines) == 1 else None
        message = Message(role=self._role, content=self._lines.pop(0), finish_reason=reason)
        return Turn(message, Usage(requests=1))


def opening() -> list[Message]:
    return [Message(role="user", content="a?")]


def ignore(_: Turn) -> None:
    pass


async def test_the_two_speak_in_turn_until_the_user_has_nothing_to_say() -> None:
    history = opening()
    stop = await play(history, Reader("user", "c?"), Reader("assistant", "b", "d"), max_rounds=9, said=ignore)
    assert stop == "user_stopped"
    assert [message.content for message in history] == ["a?", "b", "c?", "d"]


async def test_the_greatest_number_of_rounds_ends_it_after_an_answer() -> None:
    history = opening()
    stop = await play(history, Reader("user", *"ceg"), Reader("assistant", *"bdfh"), max_rounds=2, said=ignore)
    assert stop == "max_turns"
    assert len(history) == 4
    assert history[-1].role == "assistant"


async def test_an_answer_cut_by_the_token_limit_ends_it() -> None:
    agent = Reader("assistant", "b", finish_reason="length")
    assert await play(opening(), Reader("user", "c"), agent, max_rounds=9, said=ignore) == "max_tokens"


async def test_a_refused_answer_ends_it() -> None:
    agent = Reader("assistant", "b", finish_reason="refusal")
    assert await play(opening(), Reader("user", "c"), agent, max_rounds=9, said=ignore) == "refused"


async def test_a_turn_is_heard_before_the_next_one_is_asked() -> None:
    heard: list[str] = []
    history = opening()

    class Listener(Reader):
        async def reply(self, history: Sequence[Message]) -> Turn | None:
            assert heard == [message.content for message in history[1:]]
            return await super().reply(history)

    await play(
        history,
        Listener("user", "c"),
        Listener("assistant", "b", "d"),
        max_rounds=9,
        said=lambda turn: heard.append(turn.message.content),
    )
    assert heard == ["b", "c", "d"]


async def test_a_dialogue_taken_up_in_the_middle_goes_on_where_it_was_left() -> None:
    history = [*opening(), Message(role="assistant", content="b"), Message(role="user", content="c")]
    assert await play(history, Reader("user"), Reader("assistant", "d"), max_rounds=9, said=ignore) == "user_stopped"
    assert [message.content for message in history] == ["a?", "b", "c", "d"]


async def test_a_finished_dialogue_is_not_asked_for_more() -> None:
    history = [*opening(), Message(role="assistant", content="b", finish_reason="length")]
    assert await play(history, Reader("user", "x"), Reader("assistant", "x"), max_rounds=9, said=ignore) == "max_tokens"
    assert len(history) == 2
