"""The opener writer: asks a model for one list of the tree, and reads it strictly."""

from collections import Counter, deque
from collections.abc import Callable, Sequence

from dialogue.errors import ReplyFailed, RunStopped
from dialogue.records import Usage
from generator.agents import seed_of
from generator.client.chat import Chat
from generator.folder.run_folder import RunFolder
from generator.openers.instructions import instruction_specs
from generator.openers.lists import LIST_SCHEMA, parse_list
from generator.openers.tasks import task_fault, task_specs
from generator.openers.tree import Batch
from generator.tally import Tally
from generator.user.script import opener_spec
from generator.voice import Voice, recalled, written
from prompts.loader import Prompts
from prompts.names import language_name
from prompts.sector import Sector, page_of
from prompts.seed_tasks import in_one_line
from prompts.tasks import tool_plan

ATTEMPTS = 3
"""Times a list is asked for, each with another seed, before it is left empty."""

IN_VAIN = 8
"""Lists running that came to nothing before the run is stopped."""

PRIORITY = 2**40
"""Dialogues under way go before new ones, and new ones before lists."""

HEADS = 12
HEAD_WORDS = 8
NAME_CHARACTERS = 80


class OpenerWriter:
    """Answers a batch of the tree with its items; each list is paid for once in the life of a run folder."""

    def __init__(
        self,
        chat: Chat,
        prompts: Prompts,
        sector: Sector,
        folder: RunFolder,
        tally: Tally,
        *,
        run_seed: int,
        identify: Callable[[str], str],
        say: Callable[[str], None],
    ) -> None:
        self._chat = chat
        self._prompts = prompts
        self._sector = sector
        self._folder = folder
        self._tally = tally
        self._run_seed = run_seed
        self._identify = identify
        self._say = say
        self.refused: Counter[str] = Counter()
        """Tasks that were left out, by reason."""
        self._in_vain = 0
        """Lists running that came to nothing."""
        self._read = folder.any_list
        """Whether any list was ever read: until then another model may be tried in the folder, or the same one anew."""

    async def __call__(self, batch: Batch) -> Sequence[str | None]:
        if batch.level.template is None:
            return [batch.path[-1][1]]
        stored = self._folder.items(batch.key)
        if stored is not None:
            return stored
        items, usage, how = await self._ask(batch)
        self._tally.lists[how] += 1
        self._read = self._read or bool(items)
        self._folder.add_list(batch.key, items if self._read else None, usage, how)
        return items

    def _voice(self, key: str) -> Voice:
        kept = deque(map(recalled, self._folder.refused(key)))
        return Voice(self._chat, kept, lambda reply, _: self._folder.refuse_list(key, written(reply), reply.usage))

    async def _ask(self, batch: Batch) -> tuple[list[str | None], Usage, str]:
        """The items, what the reply that holds them cost, and how it was read; without items the fault."""
        voice, fault = self._voice(batch.key), ""
        specs = specs_of(self._prompts, self._sector, batch, self._run_seed, self._identify)
        messages = [{"role": "user", "content": render_list(self._prompts, self._sector, batch, specs)}]
        tasks = batch.level.wants is not None
        for attempt in range(ATTEMPTS):
            seed = seed_of(self._run_seed, batch.key, attempt)
            try:
                completion = await voice.complete(
                    messages, key=batch.key, priority=PRIORITY, seed=seed, schema=LIST_SCHEMA
                )
            except ReplyFailed as error:
                fault = str(error)
                break
            try:
                found = parse_list(completion.content, completion.finish_reason, batch.size, specs, tasks)
            except ValueError as error:
                voice.refuse(completion, None)
                fault = f"unreadable: {error}"
                continue
            self._in_vain = 0
            return self._placed(batch, found), completion.usage, completion.format
        self._in_vain += 1
        if self._in_vain >= IN_VAIN:
            if not self._read:
                self._folder.lists_anew()
            raise RunStopped(
                f"openers: {self._in_vain} lists running came to nothing, the last: {fault}; "
                "is the opener writer's model able to write a JSON array? another one can be named under [roles]"
            )
        self._say(f"openers: list {batch.key} came to nothing ({fault})")
        return [], Usage(), fault.split(":")[0]

    def _placed(self, batch: Batch, found: Sequence[tuple[int, str]]) -> list[str | None]:
        items: list[str | None] = [None] * batch.size
        known = {name.casefold() for name in batch.earlier} if not batch.level.opener else set()
        for number, text in found:
            named = not batch.level.opener
            if not 1 <= number <= batch.size or (named and (len(text) > NAME_CHARACTERS or text.casefold() in known)):
                continue
            if named:
                known.add(text.casefold())
            elif fault := task_fault(self._prompts, self._sector, batch, self._run_seed, number - 1, text):
                self.refused[fault] += 1
                continue
            items[number - 1] = text
        return items


def specs_of(
    prompts: Prompts, sector: Sector, batch: Batch, run_seed: int, identify: Callable[[str], str]
) -> list[str]:
    """A line for each opener of a list, drawn from the persona and card that its dialogue will have; none for names."""
    level = batch.level
    if not level.opener:
        return []
    ids = [identify(f"{batch.key}/{column}") for column in range(batch.size)]
    if level.joins:
        return instruction_specs(prompts, sector, level, batch.language, run_seed, batch.key, ids)
    if level.wants:
        return task_specs(prompts, sector, level, batch.language, run_seed, batch.key, ids)
    return [_line(prompts, sector, batch, run_seed, id) for id in ids]


def _line(prompts: Prompts, sector: Sector, batch: Batch, run_seed: int, id: str) -> str:
    task = tool_plan(prompts, sector, batch.language, batch.level.name, run_seed, id).task
    spec = opener_spec(
        prompts,
        sector.column,
        batch.language,
        run_seed,
        id,
        facts=sector.fact_file,
        longer=batch.level.longer,
        task=task,
        page=page_of(prompts, sector),
    )
    return spec["line"]


def render_list(prompts: Prompts, sector: Sector, batch: Batch, specs: Sequence[str]) -> str:
    """The request for one list."""
    avoid = batch.earlier if not batch.level.opener else batch.earlier[-HEADS:]
    return prompts.render(
        sector.template(batch.level),
        n=batch.size,
        path=[(label, in_one_line(value)) for label, value in batch.path] if batch.level.wants else batch.path,
        language_name=language_name(prompts, batch.language),
        language_code=batch.language,
        specs=list(specs),
        avoid=[" ".join(text.split()[:HEAD_WORDS]) for text in avoid],
        page=page_of(prompts, sector),
    )
