"""`preference` with several endpoints that answer: who is dealt what, what it costs, what is refused, what survives."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from faulty import Answer, FaultyServer, status
from material_files import killed_and_run_again
from runs import Body, Watched, begin, end, gen, rows, well

from dialogue.errors import UsageError
from dialogue.reading import read
from dialogue.records import Dialogue, decode
from gen.api import plan, run
from gen.config import run_settings
from gen.main import main
from generator.progress import Progress
from generator.run import run as engine

N = 60
NAMES = ("big", "small", "third")
BUILTIN = "".join(f'[endpoint.{name}]\nbase_url = "builtin"\nseed = {place}\n' for place, name in enumerate(NAMES, 1))
JUDGE = '[endpoint.judge]\nbase_url = "builtin"\nseed = 9\n'
ROLES = '[roles]\nuser = "judge"\nassistant = ["big", "small", { endpoint = "third", temperature = 0.7 }]\n'
PRICES = {"big": 10.0, "small": 1.0, "judge": 3.0}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "run"
    run(sector="world-questions", n=N, rounds="1-1", endpoint="builtin", out=folder)
    return folder


def project(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def offline(place: Path) -> Path:
    return project(place / "project.toml", BUILTIN + JUDGE + ROLES)


def served(place: Path, servers: dict[str, str], **endpoints: str) -> Path:
    """A project of endpoints on servers, each with a model named after it and a price of its own."""
    tables = [
        f'[endpoint.{name}]\nbase_url = "{url}"\nmodel = "{name}-1"\n{endpoints.get(name, "")}\n'
        f"price = {{ input = {PRICES[name]}, output = {PRICES[name]} }}\n"
        for name, url in servers.items()
    ]
    roles = '[roles]\nuser = "judge"\nassistant = ["big", "small"]\n'
    return project(place / "project.toml", "[run]\nretry_wait_s = 0.01\n" + "".join(tables) + roles)


def words(config: Path, source: Path, out: Path, n: int = N, *more: object) -> tuple[object, ...]:
    asked = ("--sector", "preference", "--input", source, "--n", n, "--config", config)
    return ("run", *asked, "--out", out, *more)


def found(folder: Path) -> list[Dialogue]:
    return [decode(orjson.loads(line)) for line in (folder / "dialogues.jsonl").open("rb")]


def made(config: Path, source: Path, out: Path, **options: Any) -> list[Dialogue]:
    summary = run(config=config, sector="preference", input=source, out=out, **{"n": N, **options})
    assert summary["status"] == 0
    return found(out)


def spent(folder: Path) -> dict[str, Any]:
    meter: dict[str, Any] = json.loads((folder / "summary.json").read_bytes())["meter"]
    return meter


def candidates(dialogue: Dialogue) -> list[Any]:
    return dialogue.messages[-1].candidates or []


def speaks(name: str, body: Body) -> Answer:
    """A good answer in which the server names its model as it likes."""
    answer = well(body)
    said = json.loads(answer.body)
    said["model"] = f"{name}-1-as-served"
    return replace(answer, body=json.dumps(said).encode())


def test_every_answer_tells_who_gave_it_and_by_which_principle(tmp_path: Path, source: Path) -> None:
    dialogues = made(offline(tmp_path), source, tmp_path / "run")
    pairs: Counter[tuple[str, str]] = Counter()
    for dialogue in dialogues:
        dealt = dialogue.seed.extra["dealt"]
        assert isinstance(dealt, dict)
        written = {one["principle"]: one["endpoint"] for one in candidates(dialogue) if "principle" in one}
        assert written.items() <= dealt.items()
        assert sorted(Counter(dealt.values()).values()) == [1, 1, 2]
        assert dialogue.usage["assistant"].requests == 4
        assert set(dialogue.usage) == {"user", "assistant"}
        pairs.update((principle, str(name)) for principle, name in dealt.items())
    assert len(pairs) == 12
    assert max(pairs.values()) < 3 * min(pairs.values())


def test_who_answers_does_not_depend_on_order_or_concurrency(tmp_path: Path, source: Path) -> None:
    listed = ROLES.replace('"big", "small", { endpoint', "{ endpoint").replace("0.7 }]", '0.7 }, "small", "big"]')
    assert listed != ROLES
    other = project(tmp_path / "other.toml", BUILTIN + JUDGE + listed)
    one = {dialogue.id: dialogue.messages for dialogue in made(offline(tmp_path), source, tmp_path / "one")}
    two = {dialogue.id: dialogue.messages for dialogue in made(other, source, tmp_path / "two", concurrency=3)}
    assert one == two
    hashes = {json.loads((tmp_path / name / "run.json").read_text())["run"] for name in ("one", "two")}
    assert len(hashes) == 1


def test_a_list_of_one_is_that_one(tmp_path: Path, source: Path) -> None:
    roles = '[roles]\nopener = "judge"\nuser = "judge"\nassistant = {}\n'
    for name, assistant in (("alone", '"big"'), ("listed", '["big"]')):
        config = project(tmp_path / f"{name}.toml", BUILTIN + JUDGE + roles.format(assistant))
        made(config, source, tmp_path / name, n=5)
    alone, listed = (json.loads((tmp_path / name / "run.json").read_text()) for name in ("alone", "listed"))
    assert alone["run"] == listed["run"]
    one, two = (
        {dialogue.id: (dialogue.messages, dialogue.seed) for dialogue in found(tmp_path / name)}
        for name in ("alone", "listed")
    )
    assert one == two
    assert "dealt" not in json.dumps([dialogue.seed.extra for dialogue in found(tmp_path / "listed")])


async def test_models_costs_and_the_best_answers_model_are_those_of_each_endpoint(tmp_path: Path, source: Path) -> None:
    servers = {name: Watched(lambda number, body, name=name: speaks(name, body)) for name in PRICES}  # type: ignore[misc]
    async with servers["big"], servers["small"], servers["judge"]:
        config = served(tmp_path, {name: server.base_url for name, server in servers.items()})
        (await gen(*words(config, source, tmp_path / "run", 20))).check(0)
    for dialogue in found(tmp_path / "run"):
        for one in candidates(dialogue):
            assert one["model"] == (f"{one['endpoint']}-1-as-served" if "endpoint" in one else "builtin")
        best = max(candidates(dialogue), key=lambda one: float(one["score"]))
        assert dialogue.assistant_model == best["model"]
        assert dialogue.user_model == "judge-1"
    assert {event["side"] for event in rows(tmp_path / "run" / "journal.jsonl") if event["k"] == "turn"} == {
        "user",
        "assistant:big",
        "assistant:small",
    }
    meter = spent(tmp_path / "run")
    total = 0.0
    for name, role in (("big", "assistant:big"), ("small", "assistant:small"), ("judge", "user")):
        paid = meter["roles"][role]
        assert paid["requests"] == servers[name].requests
        assert paid["cost_usd"] == pytest.approx(
            (paid["prompt_tokens"] + paid["completion_tokens"]) * PRICES[name] / 1e6
        )
        total += paid["cost_usd"]
    assert meter["cost_usd"] == pytest.approx(total)
    assert sum(dialogue.cost_usd or 0.0 for dialogue in found(tmp_path / "run")) == pytest.approx(total, abs=1e-6)


async def test_the_rater_is_not_told_whose_an_answer_is_or_by_which_principle(tmp_path: Path, source: Path) -> None:
    heard: dict[str, list[Body]] = {"big": [], "small": [], "judge": []}

    def listens(name: str) -> Watched:
        return Watched(lambda number, body: heard[name].append(body) or speaks(name, body))  # type: ignore[func-returns-value]

    servers = {name: listens(name) for name in heard}
    async with servers["big"], servers["small"], servers["judge"]:
        config = served(tmp_path, {name: server.base_url for name, server in servers.items()})
        (await gen(*words(config, source, tmp_path / "run", 10))).check(0)
    assert len(heard["judge"]) == 10
    guides = {body["messages"][0]["content"] for name in ("big", "small") for body in heard[name]}
    assert len(guides) == 4
    compared = {dialogue.messages[-2].content: dialogue for dialogue in found(tmp_path / "run")}
    for body in heard["judge"]:
        text = json.dumps(body["messages"])
        assert not any(name in text for name in ("big-1", "small-1", "endpoint", *guides))
        prompt = body["messages"][0]["content"]
        (dialogue,) = [one for question, one in compared.items() if question in prompt]
        places = [prompt.index(one["content"]) for one in candidates(dialogue)]
        assert places == sorted(places)  # the record keeps the order in which they were shown


def test_the_place_of_an_answer_is_a_matter_of_chance(tmp_path: Path, source: Path) -> None:
    first = Counter(
        candidates(dialogue)[0].get("endpoint", "there")
        for dialogue in made(offline(tmp_path), source, tmp_path / "run")
    )
    assert set(first) == {*NAMES, "there"}
    assert max(first.values()) < N / 2


def test_both_formats_for_pairs_hold_the_models(tmp_path: Path, source: Path) -> None:
    made(offline(tmp_path), source, tmp_path / "run", n=10)
    for format in ("ultrafeedback", "chosen_rejected"):
        out = tmp_path / f"{format}.jsonl"
        assert main(["convert", str(tmp_path / "run"), str(out), "--to", format]) == 0
        for row, dialogue in zip(map(orjson.loads, out.open("rb")), found(tmp_path / "run"), strict=True):
            kept = row["completions"] if format == "ultrafeedback" else row["candidates"]
            named = [(one["model"], one.get("endpoint"), one.get("principle")) for one in kept]
            expected = [(one["model"], one.get("endpoint"), one.get("principle")) for one in candidates(dialogue)]
            assert named == expected
        assert len(list(read(out))) == 10


def test_a_later_run_of_one_endpoint_keeps_candidates_and_forgets_who_was_dealt(tmp_path: Path, source: Path) -> None:
    made(offline(tmp_path), source, tmp_path / "first", n=5)
    run(sector="preference", n=5, input=tmp_path / "first", endpoint="builtin", out=tmp_path / "second")
    for dialogue in found(tmp_path / "second"):
        assert "dealt" not in dialogue.seed.extra
        assert {one.get("endpoint") for one in candidates(dialogue)} == {*NAMES, None}


def test_the_plan_prices_each_part_by_its_own_price(tmp_path: Path, source: Path, capsys: Any) -> None:
    config = served(tmp_path, dict.fromkeys(PRICES, "http://127.0.0.1:9/v1"))
    planned = plan(config=config, sector="preference", input=source, n=N)
    assert planned.by_role["opener"]["requests"] == 0
    for name, role in (("big", "assistant:big"), ("small", "assistant:small"), ("judge", "user")):
        side = planned.by_role[role]
        tokens = side["prompt_tokens"] + side["completion_tokens"]
        assert planned.cost_by_role[role] == pytest.approx(tokens * PRICES[name] / 1e6)
    assert planned.by_role["assistant:big"]["requests"] == planned.by_role["assistant:small"]["requests"] == 2 * N
    assert planned.cost_usd == pytest.approx(sum(cost or 0.0 for cost in planned.cost_by_role.values()), abs=0.01)
    assert main(["plan", *map(str, words(config, source, tmp_path / "run")[1:])]) == 0
    shown = capsys.readouterr().out
    assert f"assistant:big: {2 * N} requests" in shown
    assert f", ${planned.cost_by_role['assistant:big']:,.2f}\n" in shown


def test_an_unknown_price_of_one_is_told_and_a_cap_on_money_refused(tmp_path: Path, source: Path) -> None:
    config = served(tmp_path, dict.fromkeys(PRICES, "http://127.0.0.1:9/v1"))
    config.write_text(config.read_text().replace("price = { input = 1.0, output = 1.0 }\n", ""))
    asked: dict[str, Any] = {"config": config, "sector": "preference", "input": source, "n": 3, "out": tmp_path / "run"}
    planned = plan(**asked)
    assert planned.cost_usd is None
    assert [role for role, cost in planned.cost_by_role.items() if cost is None] == ["assistant:small"]
    with pytest.raises(UsageError, match="no price is known for the model of assistant:small"):
        run(**asked, max_cost=1.0)


@pytest.mark.parametrize("sector", ["world-questions", "continue", "reanswer", "recall"])
def test_another_sector_says_that_one_endpoint_answers(tmp_path: Path, source: Path, sector: str) -> None:
    brought = {"input": source} if sector in ("continue", "reanswer") else {}
    with pytest.raises(UsageError, match=f"assistant.*: big, small, third: in {sector} one endpoint answers") as caught:
        run(config=offline(tmp_path), sector=sector, n=3, out=tmp_path / "run", **brought)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("listed", "complaint"),
    [
        ("[]", r"\[roles\] assistant \[\]: expected the names of endpoints"),
        ('["big", "big"]', r"\[roles\] assistant: big stands twice; give its model a second \[endpoint.NAME\]"),
        ('["big", 3]', r"\[roles\] assistant\[1\]: expected the name of an endpoint"),
        ('["big", "smal"]', r"\[roles\]: unknown key 'smal'; did you mean small"),
        ('["big", { endpoint = "small", temprature = 1 }]', r"assistant\[1\]: unknown key 'temprature'"),
        ('["big", { endpoint = "small", temperature = -1 }]', r"assistant\[1\]: temperature"),
    ],
)
def test_a_wrong_list_is_one_line_with_its_place(tmp_path: Path, source: Path, listed: str, complaint: str) -> None:
    config = project(tmp_path / "p.toml", f'{BUILTIN}{JUDGE}[roles]\nuser = "judge"\nassistant = {listed}\n')
    with pytest.raises(UsageError, match=complaint) as caught:
        run(config=config, sector="preference", input=source, n=3, out=tmp_path / "run")
    assert "\n" not in str(caught.value)
    assert "p.toml" in str(caught.value)


def test_another_list_in_the_same_folder_is_refused_and_another_address_is_not(tmp_path: Path, source: Path) -> None:
    made(offline(tmp_path), source, tmp_path / "run", n=3)
    other = project(tmp_path / "other.toml", BUILTIN + JUDGE + ROLES.replace('"small", ', ""))
    with pytest.raises(UsageError, match=r"assistant\.small\..* was .*, is now \(not set\).*choose another --out"):
        run(config=other, sector="preference", input=source, n=3, out=tmp_path / "run")
    first, second = (
        run_settings(
            {"sector": "preference", "n": "3", "input": str(source)}, served(tmp_path, dict.fromkeys(PRICES, url)), {}
        ).identity()
        for url in ("http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1")
    )
    assert first == second


def test_without_a_toml_assistants_are_named_by_a_flag(tmp_path: Path, source: Path) -> None:
    asked = ["--sector", "preference", "--n", "4", "--input", str(source), "--out", str(tmp_path / "run")]
    config = offline(tmp_path)
    assert main(["run", *asked, "--config", str(config), "--endpoint", "builtin", "--assistant", "small,third"]) == 0
    settings = json.loads((tmp_path / "run" / "run.json").read_text())["settings"]
    assert set(settings["assistant"]) == {"small", "third"}
    assert settings["assistant"]["third"]["temperature"] == 0.7
    assert settings["user"]["seed"] == 0
    flags: dict[str, Any] = {"sector": "preference", "n": 3, "input": "x", "assistant": ["http://a/v1", "builtin"]}
    bare = run_settings(flags, None, {"OPENAI_API_KEY": "k"})
    assert bare.assistants == ("assistant:builtin", "assistant:http://a/v1")
    assert bare.endpoint("user").name == "openai"
    alone = run_settings({"sector": "world-questions", "n": "3", "endpoint": "builtin", "assistant": "http://a/v1"})
    assert alone.assistants == ("assistant",)
    assert (alone.endpoint("assistant").base_url, alone.endpoint("user").name) == (("http://a/v1",), "builtin")


def test_a_flag_that_names_one_endpoint_stands_before_a_list(tmp_path: Path, source: Path) -> None:
    settings = run_settings({"sector": "preference", "n": "3", "endpoint": "builtin"}, offline(tmp_path), {})
    assert settings.assistants == ("assistant",)
    with pytest.raises(UsageError, match=r"--assistant smal: not known; choose"):
        run_settings({"sector": "preference", "n": "3", "endpoint": "builtin", "assistant": "smal,builtin"}, None, {})
    with pytest.raises(UsageError, match=r"--assistant: unknown key 'smal'; did you mean small"):
        run_settings({"sector": "preference", "n": "3", "assistant": "smal,big"}, offline(tmp_path), {})
    with pytest.raises(UsageError, match="--assistant: big stands twice"):
        run_settings({"sector": "preference", "n": "3", "assistant": "big,big"}, offline(tmp_path), {})


def test_openers_that_nobody_is_named_for_are_the_users_endpoints(tmp_path: Path) -> None:
    asked = {"sector": "preference", "n": "3"}
    for environ in ({}, {"OPENAI_API_KEY": "k"}):
        assert run_settings(asked, offline(tmp_path), environ).roles["opener"].endpoint == "judge"
    alone = project(tmp_path / "alone.toml", BUILTIN + '[roles]\nassistant = ["big", "small"]\n')
    with pytest.raises(UsageError, match=r"alone\.toml: \[roles\] user: no --endpoint, and OPENAI_API_KEY is not set"):
        run_settings(asked, alone, {})


def test_the_roles_that_lack_an_endpoint_are_named(tmp_path: Path) -> None:
    one = project(tmp_path / "one.toml", BUILTIN + '[roles]\nassistant = "big"\n')
    with pytest.raises(UsageError, match=r"one\.toml: \[roles\] opener and user: no --endpoint, and OPENAI"):
        run_settings({"sector": "recall", "n": "3"}, one, {})
    with pytest.raises(UsageError, match=r"^opener and user: no --endpoint, and OPENAI"):
        run_settings({"sector": "recall", "n": "3", "assistant": "builtin"}, None, {})
    with pytest.raises(UsageError, match=r"^no --endpoint, and OPENAI"):
        run_settings({"sector": "recall", "n": "3"}, None, {})
    assert run_settings({"sector": "recall", "n": "3", "endpoint": "big"}, one, {}).roles["user"].endpoint == "big"


def test_a_rater_that_answers_as_well_is_told(tmp_path: Path, source: Path, capsys: Any) -> None:
    asked = ["run", "--sector", "preference", "--n", "2", "--input", str(source), "--config"]
    same = project(tmp_path / "same.toml", BUILTIN + JUDGE + ROLES.replace('user = "judge"', 'user = "big"'))
    for config, told in ((same, True), (offline(tmp_path), False)):
        assert main([*asked, str(config), "--out", str(tmp_path / config.stem)]) == 0
        assert ("which rates, answers as well" in capsys.readouterr().err) is told


async def test_one_that_refuses_stops_the_run_and_the_same_command_goes_on(tmp_path: Path, source: Path) -> None:
    refusing = True

    def small(number: int, body: Body) -> Answer:
        return status(401, "no such key") if refusing and number >= 7 else well(body)

    servers = {"big": Watched(), "small": Watched(small), "judge": Watched()}
    async with servers["big"], servers["small"], servers["judge"]:
        config = served(tmp_path, {name: server.base_url for name, server in servers.items()})
        asked = words(config, source, tmp_path / "run", 20, "--concurrency", 4)
        (await gen(*asked)).check(3, "endpoint small (http://127.0.0.1:", "model small-1", "no such key")
        assert rows(tmp_path / "run" / "failures.jsonl") == []
        refusing = False
        (await gen(*asked)).check(0)
        assert len(found(tmp_path / "run")) == 20
    assert all(max(server.answered.values()) == 1 for server in servers.values()), "nothing is asked for twice"
    assert sum(server.answered.total() for server in servers.values()) == 20 * 5


@pytest.mark.slow
async def test_one_that_is_not_there_stops_the_run(tmp_path: Path, source: Path) -> None:
    gone = FaultyServer(lambda number, body: well(body))
    await gone.start()
    await gone.stop()
    other = Watched()
    async with other:
        config = served(tmp_path, {"big": other.base_url, "small": gone.base_url, "judge": other.base_url})
        asked = words(config, source, tmp_path / "run", 8)
        (await gen(*asked)).check(3, "endpoint small (", "no connection for 8 s")
        await gone.start()
        (await gen(*asked)).check(0)
        await gone.stop()
        assert max(other.answered.values()) == 1
    assert len(found(tmp_path / "run")) == 8


async def test_each_endpoint_goes_at_its_own_pace(tmp_path: Path, source: Path) -> None:
    async with Watched() as big, Watched() as small, Watched() as judge:
        urls = {"big": big.base_url, "small": small.base_url, "judge": judge.base_url}
        config = served(tmp_path, urls, small="requests_per_minute = 600")
        flags = {"sector": "preference", "n": "6", "input": str(source), "out": str(tmp_path / "run")}
        settings = run_settings(flags, config, {})
        limits = {name: endpoint.requests_per_minute for name, endpoint in settings.endpoints.items()}
        assert limits == {"big": None, "small": 600, "judge": None}
        summary = await engine(settings, progress=Progress())
    assert (summary["status"], small.requests, big.requests) == (0, 12, 12)


def test_a_killed_run_of_several_asks_for_nothing_twice(tmp_path: Path, source: Path) -> None:
    slow = BUILTIN.replace('"builtin"\n', '"builtin"\nlatency_ms = 30\n') + JUDGE + ROLES
    asked = ("--sector", "preference", "--n", "40", "--input", str(source), "--concurrency", "8")
    killed = killed_and_run_again(tmp_path, "journal.jsonl", 40, *asked, config=slow)
    whole = {dialogue.id: dialogue for dialogue in made(offline(tmp_path), source, tmp_path / "whole", n=40)}
    for dialogue in found(killed):
        other = whole.pop(dialogue.id)
        assert (dialogue.messages, dialogue.seed, dialogue.usage) == (other.messages, other.seed, other.usage)
    assert whole == {}
    told, expected = (
        {role: (paid["requests"], paid["prompt_tokens"], paid["completion_tokens"]) for role, paid in roles.items()}
        for roles in (spent(folder)["roles"] for folder in (killed, tmp_path / "whole"))
    )
    assert told == expected


async def test_servers_of_a_killed_run_are_asked_again_for_no_more_than_was_on_the_wire(
    tmp_path: Path, source: Path
) -> None:
    slots = 6
    servers = {
        name: Watched(lambda number, body, wait=wait: replace(well(body), delay_s=wait))  # type: ignore[misc]
        for name, wait in (("big", 0.02), ("small", 0.05), ("judge", 0.03))
    }
    async with servers["big"], servers["small"], servers["judge"]:
        config = served(tmp_path, {name: server.base_url for name, server in servers.items()})
        asked = words(config, source, tmp_path / "run", 24, "--concurrency", slots)
        for lines in (15, 60):
            child = await begin(*asked)
            journal = tmp_path / "run" / "journal.jsonl"
            while child.returncode is None and not (journal.exists() and journal.read_bytes().count(b"\n") >= lines):
                await asyncio.sleep(0.01)
            assert child.returncode is None, "it ended before it could be killed"
            child.kill()
            await end(child)
        (await gen(*asked)).check(0)
    repeated = sum(count - 1 for server in servers.values() for count in server.answered.values())
    assert repeated <= 2 * slots
    assert len(found(tmp_path / "run")) == 24
    assert sum(event["k"] == "turn" for event in rows(tmp_path / "run" / "journal.jsonl")) == 24 * 5
