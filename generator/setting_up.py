"""Everything that a run needs, made from its settings and checked before the first request."""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from typing import Any

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from dialogue.mixtures import FILE as MIXTURE
from dialogue.records import Record, Seed, encode
from generator.builtin.transport import embedded
from generator.checks import Checked, check
from generator.client.chat import Chat, Paces
from generator.client.local import LocalTransport
from generator.client.meter import Meter
from generator.client.transport import HttpTransport, Transport
from generator.consulting import with_sources
from generator.folder.opening import LOG_NAMES
from generator.folder.run_folder import RunFolder
from generator.folder.settings_check import refuse_another
from generator.gate import Gate
from generator.given import Given, hash_of, usable
from generator.openers.instructions import joined
from generator.openers.pool import Opener, Pool, Stream
from generator.openers.tasks import measure_of, task
from generator.openers.writer import OpenerWriter
from generator.own import file_hash, identity, own_openers
from generator.settings import RunSettings
from generator.sources import cut_note, identify, language_note, rounds_of, streams
from generator.stage import Job, Scenery
from generator.tally import Tally, fold
from prompts.loader import Prompts
from prompts.sector import Sector, page_of


class OpenerLine(Record):
    """A line of openers.jsonl: line i is the opener of dialogue i."""

    id: str
    opener: str
    seed: Seed
    stream: str
    """Level and language it came from; "own" for a person's, "taken" for a dialogue's."""
    place: tuple[int, int] = (0, 0)
    """Batch and column in its stream."""
    around: tuple[str, str] | None = None
    """What stands before and after the opener, where it is joined with a passage."""
    given: Given | None = None
    """What a dialogue of the user's brings, where one is taken up: it is read from here, not from their file."""


@dataclass(slots=True)
class Setup:
    """The parts of one run, put together."""

    settings: RunSettings
    sector: Sector
    prompts: Prompts
    folder: RunFolder
    gate: Gate
    paces: Paces
    meter: Meter
    tally: Tally
    scenery: Scenery
    writer: OpenerWriter
    say: Callable[[str], None]
    refused: Mapping[str, int]

    def job(self, index: int) -> Job:
        """Dialogue number `index`, with whatever was said in it before."""
        line = OpenerLine.model_validate(self.folder.opener(index))
        events = self.folder.events(index)
        own = line.stream in ("own", "taken")
        return Job(index, line.id, line.opener, line.seed, own, events, line.around, line.given)

    async def new_openers(self) -> AsyncIterator[int]:
        """Numbers of openers that this call adds to the folder, as they are accepted."""
        if self.folder.openers < self.settings.n:
            source = self._taken() if self.sector.takes else self._own() if self.settings.openers else self._grown()
            async for line in source:
                yield self.folder.add_opener(encode(line))

    async def _own(self) -> AsyncIterator[OpenerLine]:
        path, seed = self.settings.openers, self.settings.seed
        assert path is not None
        begun = self.folder.openers
        for number, (text, found) in enumerate(own_openers(path)):
            if self.folder.openers >= self.settings.n:
                return
            id = self._id(identity(text, found))
            if number < begun:
                if self.folder.opener(number)["id"] != id:
                    raise UsageError(
                        f"--openers {path}: opener {number + 1} is another than this folder began with; "
                        "append to the file, or choose another --out"
                    )
                continue
            language = found.language or draw(self.settings.language, share(seed, id, "language"))
            yield OpenerLine(id=id, opener=text, seed=found.model_copy(update={"language": language}), stream="own")

    async def _taken(self) -> AsyncIterator[OpenerLine]:
        takes, begun = self.sector.takes, self.folder.openers
        assert takes is not None
        found = usable(self.settings, self.prompts, takes, Counter())
        for one in islice(found, begun, self.settings.n):
            first = next(message.content for message in one.given.before if message.role == "user")
            yield OpenerLine(id=self._id(one.id), opener=first, seed=one.seed, stream="taken", given=one.given)

    async def _grown(self) -> AsyncIterator[OpenerLine]:
        lines = map(self.folder.opener, range(self.folder.openers))

        def text_of(index: int) -> str:
            return str(self.folder.opener(index)["opener"])

        found = self._streams()
        index = measure_of(self.sector, [stream.shelf for stream in found], text_of)
        pool = Pool(found, identify=self._id, text_of=text_of, say=self.say, index=index, refused=self.writer.refused)
        self.refused = pool.refused
        await pool.restore((line["stream"], tuple(line["place"]), line["opener"]) for line in lines)
        async for opener in pool.openers(self.settings.n, self.settings.concurrency):
            yield self._line(opener)

    def _line(self, opener: Opener) -> OpenerLine:
        text, run_seed = opener.text, self.settings.seed
        seed, around = joined(self.prompts, self.sector, run_seed, opener)
        if self.sector.level(opener.seed.kind or "").wants:
            text, seed, around = task(self.prompts, self.sector, run_seed, opener)
        if page := page_of(self.prompts, self.sector):
            seed = with_sources(page, run_seed, opener.id, seed)
        return OpenerLine(id=opener.id, opener=text, seed=seed, stream=opener.stream, place=opener.place, around=around)

    def _streams(self) -> Sequence[Stream]:
        return streams(self.settings, self.prompts, self.sector, self.writer)

    def _id(self, grown_from: str) -> str:
        return identify(self.settings.seed, self.sector, grown_from)

    def totals(self) -> dict[str, Any]:
        """What the run has done and spent since its first call."""
        return {"tally": self.tally.as_dict(), "meter": self.meter.as_dict()}

    def limiting(self) -> str:
        """What holds the run back just now."""
        return self.gate.limiting() or self.paces.limiting()

    async def close(self) -> None:
        """Give back connections, clocks and the folder."""
        self.paces.close()
        await self.gate.close()
        self.folder.release()


def set_up(settings: RunSettings, say: Callable[[str], None]) -> Setup:
    """Check everything that can be wrong, then open the folder. Raises UsageError."""
    _refuse_mixture(settings)
    return _assemble(settings, check(settings), say)


def check_whole(settings: RunSettings) -> Checked:
    """What the look found. Raises UsageError for what is wrong, or other than in the folder that is there already;
    writes nothing."""
    _refuse_mixture(settings)
    checked = check(settings)
    refuse_another(settings.out, _request(settings, checked), LOG_NAMES)
    return checked


def _refuse_mixture(settings: RunSettings) -> None:
    if (settings.out / MIXTURE).is_file():
        raise UsageError(f"--out {settings.out}: holds a mixture of sectors; choose another, or name its sectors")


def _assemble(settings: RunSettings, checked: Checked, say: Callable[[str], None]) -> Setup:
    prompts, sector, meter = checked.prompts, checked.sector, checked.meter
    gate = Gate(settings.concurrency)
    ways = transports(settings, gate, say)
    paces = Paces(slots=min(settings.concurrency, settings.n), say=say)
    chats: dict[str, Chat] = {
        role: Chat(
            settings.endpoint(role),
            role=role,
            sampling=settings.roles[role].sampling,
            paces=paces,
            transport=ways[settings.roles[role].endpoint],
            meter=meter,
            say=say,
            retry_wait_s=settings.retry_wait_s,
        )
        for role in settings.roles
    }
    note = checked.note or cut_note(settings, sector) or language_note(settings, checked.prompts, sector)
    folder = RunFolder.open(settings.out, _request(settings, checked), _facts(settings, note), say, fold=fold)
    if note:
        say(note)
    tally = Tally.from_dict(folder.totals.get("tally", {}))
    meter.restore(folder.totals.get("meter", {}))
    scenery = Scenery(
        chats,
        prompts,
        sector,
        folder,
        tally,
        run=folder.run,
        run_seed=settings.seed,
        rounds=rounds_of(settings, sector),
        preset=settings.preset or sector.preset,
        systems=checked.systems,
        user=settings.roles["user"],
        guided=settings.guided,
    )
    writer = OpenerWriter(
        chats["opener"],
        prompts,
        sector,
        folder,
        tally,
        run_seed=settings.seed,
        identify=lambda grown_from: identify(settings.seed, sector, grown_from),
        say=say,
    )
    return Setup(settings, sector, prompts, folder, gate, paces, meter, tally, scenery, writer, say, {})


def transports(settings: RunSettings, gate: Gate, say: Callable[[str], None]) -> dict[str, Transport]:
    """The way to each endpoint, by its name: one HTTP client for all, one server for each local model and `builtin`."""
    http = gate.guard(HttpTransport())
    ways: dict[str, Transport] = {}
    local: dict[tuple[object, ...], Transport] = {}
    for name, one in settings.endpoints.items():
        if one.is_builtin:
            ways[name] = gate.guard(embedded(one))
        elif one.local_model is not None:
            model = one.base_url, one.model
            ways[name] = local[model] = local.get(model) or gate.guard(LocalTransport(one, say))
        else:
            ways[name] = http
    return ways


def _request(settings: RunSettings, checked: Checked) -> dict[str, Any]:
    """What is asked, for the run's hash: settings, templates and the files brought by the user."""
    total = sum(settings.language.values())
    return {
        **settings.identity(),
        # As they come out: a default that is written out asks for the same.
        "rounds": "-".join(map(str, rounds_of(settings, checked.sector))),
        "preset": settings.preset or checked.sector.preset,
        "shares": checked.sector.share_preset,
        "language": {code: round(weight / total, 12) for code, weight in settings.language.items()},
        "own_openers": settings.openers is not None,
        "prompts": dict(sorted(checked.prompts.used.items())),
        **({"input": hash_of(settings.input)} if settings.input and not checked.sector.page else {}),
        **({"system": file_hash(settings.system, "--system")} if settings.system else {}),
        **_page(checked),
    }


def _page(checked: Checked) -> dict[str, Any]:
    """What a page about an assistant says, where there is one, and its files: it all belongs to what is asked."""
    page = page_of(checked.prompts, checked.sector)
    if page is None:
        return {}
    said = page.model_dump(mode="json", exclude={"path", "knowledge"})
    return {"page": said, "knowledge": {path.name: file_hash(path, "--input") for path in page.knowledge}}


def _facts(settings: RunSettings, note: str | None) -> dict[str, Any]:
    """What is kept beside the request: how many, where and under what terms."""
    endpoints = {name: endpoint.model_dump(mode="json") for name, endpoint in settings.endpoints.items()}
    openers = settings.openers
    return {
        "n": settings.n,
        "duologue": version("duologue") if _installed() else None,
        "endpoints": endpoints,
        "openers": None if openers is None else {"path": str(openers), "hash": file_hash(openers, "--openers")},
        **({"note": note} if note else {}),
    }


def _installed() -> bool:
    try:
        return bool(version("duologue"))
    except PackageNotFoundError:
        return False
