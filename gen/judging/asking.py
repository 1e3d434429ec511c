"""Puts questions to models, under the limits of their endpoints and of the user; each reply is saved as it comes."""

from collections.abc import Mapping, Sequence
from typing import Any

from dialogue.chance import hash64
from dialogue.errors import ReplyFailed
from dialogue.records import Usage, plain
from gen.judging.answers import ATTEMPTS, FAILED, UNREADABLE, Answers
from gen.judging.kinds import Question, RoleName
from gen.loops import OnStart, finish
from gen.progress import Progress
from generator.asking import Asked, Pool, Speaker, Terms
from generator.client.chat import Chat, Completion
from generator.client.meter import Meter
from generator.folder.disk import Disk

RAW_CHARACTERS = 4000


class Asking:
    """How one question is put."""

    def __init__(self, chats: Mapping[str, Chat], answers: Mapping[RoleName, Answers]) -> None:
        self._chats, self._answers = chats, answers

    async def ask(self, question: Question) -> None:
        """Put a question until a reply can be read, at most twice over all calls."""
        answers, field = self._answers[question.kind.role], question.kind.field
        while answers.settled(question.key) is None:
            before = answers.by_key.get(question.key, {})
            attempt = before.get("attempt", 0)
            try:
                completion = await self._complete(question, attempt, before.get("raw"))
            except ReplyFailed as failure:
                said = {field: FAILED, "reason": f"{failure.reason}: {failure.detail}", "raw": before.get("raw")}
                answers.add(self._line(question, said, attempt, Usage(), None))
                return
            found = None if completion.refused else question.kind.read(completion.content, question)
            said = {field: UNREADABLE, "reason": None} if found is None else dict(found)
            said["raw"] = completion.content[:RAW_CHARACTERS]
            answers.add(self._line(question, said, attempt + 1, completion.usage, completion.model))

    async def _complete(self, question: Question, attempt: int, raw: str | None) -> Completion:
        messages = [{"role": "user", "content": question.prompt}]
        if attempt:
            messages.append({"role": "assistant", "content": raw or ""})
            messages.append({"role": "user", "content": question.kind.again})
        seed = hash64(question.key, attempt)
        chat = self._chats[question.kind.role]
        return await chat.complete(
            messages, key=question.key, priority=ATTEMPTS - attempt, seed=seed, schema=question.kind.schema
        )

    def _line(
        self, question: Question, said: Mapping[str, str | None], attempt: int, usage: Usage, model: str | None
    ) -> dict[str, Any]:
        asked = self._chats[question.kind.role].model
        return {
            "key": question.key,
            **question.about,
            **said,
            "model": asked or model,
            "attempt": attempt,
            "usage": plain(usage),
            "prompt": question.kind.hash,
        }


def ask(
    questions: Sequence[Question],
    speakers: Mapping[RoleName, Speaker],
    answers: Mapping[RoleName, Answers],
    terms: Terms,
    meter: Meter,
    disk: Disk,
    progress: Progress,
) -> Asked:
    """Put the questions, from ordinary code or under a running event loop."""
    progress.count("questions")

    def tick(done: int, more: str) -> None:
        progress.show("asking", done, len(questions), more)

    async def work(on_start: OnStart | None) -> Asked:
        by_role = {str(role): speaker for role, speaker in speakers.items()}
        pool: Pool[Question] = Pool(by_role, terms, meter, disk, progress.say, tick, "verdicts.jsonl")
        return await pool.work(questions, Asking(pool.chats, answers).ask, on_start)

    return finish(work)
