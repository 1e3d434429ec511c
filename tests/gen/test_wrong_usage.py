"""Wrong flags, settings and files, as a new user meets them: status 2, one line that names the mend, nothing made."""

import os
from pathlib import Path

import pytest
from runs import KEY, leaks

from gen.main import main

FULL = ("run", "--sector", "world-questions", "--n", "3", "--endpoint", "builtin", "--out", "made")


@pytest.fixture(autouse=True)
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder to stand in, and no key of anybody's."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("OPENAI_"):
            monkeypatch.delenv(name)


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The one line with which a command refuses; nothing else is said or made."""
    before = sorted(Path().rglob("*"))
    try:
        status = main(argv)
    except SystemExit as leaving:
        status = int(leaving.code or 0)
    shown = capsys.readouterr()
    assert status == 2, shown.err
    assert shown.out == ""
    lines = [line for line in shown.err.splitlines() if "writing to" not in line]
    assert len(lines) == 1, shown.err
    assert "Traceback" not in lines[0]
    assert len(lines[0]) < 400, "one line that can be read"
    assert "PosixPath" not in lines[0]
    assert sorted(Path().rglob("*")) == before, "a refused command leaves nothing behind"
    return lines[0]


FLAGS = {
    "no such command": (
        ("frobnicate",),
        ("frobnicate", "no such command", "run, plan, show, filter, convert, contamination"),
    ),
    "a command misspelt": (("rnu",), ("rnu", "did you mean run?")),
    "a flag misspelt": ((*FULL, "--secotr", "x"), ("--secotr", "did you mean --sector")),
    "a flag without its value": (("run", "--sector"), ("--sector", "expected one argument")),
    "a sector misspelt": (("run", "--sector", "world-question", *FULL[3:]), ("world-question", "did you mean")),
    "no such sector": (("run", "--sector", "opera", *FULL[3:]), ("opera", "world-questions")),
    "no n": (("run", "--sector", "world-questions", "--endpoint", "builtin"), ("--n is missing",)),
    "nothing at all": (("run",), ("--sector and --n are missing", "`gen sectors`", "--help")),
    "nothing to plan": (("plan",), ("--sector and --n are missing", "`gen sectors`")),
    "no sector": (("run", "--n", "3"), ("--sector is missing", "`gen sectors`")),
    "no such sector and no n": (("run", "--sector", "world-question"), ("no such sector", "world-questions")),
    "no such sector in a mixture without n": (("run", "--sector", "recall:3,creaton:1"), ("'creaton'", "creation")),
    "a mixture without n": (("run", "--sector", "recall:3,creation:1"), ("--n is missing",)),
    "n of 0": ((*FULL, "--n", "0"), ("--n 0", "above 0")),
    "n below 0": ((*FULL, "--n", "-3"), ("--n -3", "above 0")),
    "n no number": ((*FULL, "--n", "abc"), ("--n abc", "expected a number")),
    "n of one and a half": ((*FULL, "--n", "1.5"), ("--n 1.5", "whole number")),
    "n without end": ((*FULL, "--n", "inf"), ("--n inf", "whole number")),
    "rounds turned round": ((*FULL, "--rounds", "7-3"), ("rounds 7-3", "A-B")),
    "rounds of 0": ((*FULL, "--rounds", "0-3"), ("rounds 0-3", "A-B")),
    "rounds no numbers": ((*FULL, "--rounds", "few"), ("--rounds few", "as 3-7")),
    "an endpoint out of nowhere": ((*FULL, "--endpoint", "nonsense"), ("nonsense", "openai", "builtin", "http")),
    "an address without a host": ((*FULL, "--endpoint", "http://"), ("--endpoint http://", "http://HOST/v1")),
    "a key that is not set": ((*FULL, "--endpoint", "openai"), ("OPENAI_API_KEY", "not set", "export")),
    "a language that builtin lacks": ((*FULL, "--language", "xx"), ("--language xx", "en, zh, zh-TW")),
    "a language of no weight": ((*FULL, "--language", "zh-TW:0"), ("zh-TW", "0", "above 0")),
    "a language twice": ((*FULL, "--language", "en:1,en:2"), ("en:1,en:2", "en")),
    "no language that there is": (
        (*FULL, "--endpoint", "http://127.0.0.1:9/v1", "--language", "xx"),
        ("'xx'", "names.toml"),
    ),
    "no such preset": ((*FULL, "--preset", "x"), ("preset 'x'", "training, wild")),
    "no such shares": ((*FULL, "--shares", "x"), ("shares", "'x'", "paper, readme")),
    "a seed of words": ((*FULL, "--seed", "x"), ("--seed x", "whole number")),
    "nothing at a time": ((*FULL, "--concurrency", "0"), ("--concurrency 0", "above 0")),
    "a limit below 0": ((*FULL, "--rpm", "-1"), ("--rpm -1", "above 0")),
    "a limit that is no number": ((*FULL, "--tpm", "nan"), ("--tpm nan", "above 0")),
    "a cap on an unknown price": (
        (*FULL, "--endpoint", "http://127.0.0.1:9/v1", "--max-cost", "1"),
        ("--max-cost 1", "no price is known", "--prices"),
    ),
    "a seed beyond all bits": ((*FULL, "--seed", "9" * 30), ("--seed", "9" * 30)),
    "a weight without end": ((*FULL, "--language", "en:1e308,zh:1e308"), ("--language", "1e308")),
    "a model that is no text": ((*FULL, "--model", "\udcff"), ("not UTF-8",)),
    "no folder of prompts": ((*FULL, "--prompts", "nowhere"), ("--prompts nowhere", "no such folder")),
    "no table of prices": (
        (*FULL, "--prices", "nowhere", "--endpoint", "http://127.0.0.1:9/v1", "--model", "m"),
        ("nowhere",),
    ),
    "no config": ((*FULL, "--config", "nowhere"), ("--config nowhere", "No such file")),
    "a config that is a folder": ((*FULL, "--config", "."), ("--config .", "directory")),
    "a folder inside a file": ((*FULL, "--out", "/dev/null/x"), ("--out /dev/null/x", "name a folder")),
    "show nothing": (("show", "nowhere"), ("nowhere", "no such")),
    "show with a letter for a number": (("show", ".", "--n", "x"), ("--n", "x")),
    "show fewer than one": (("show", ".", "--n", "-1"), ("--n", "-1", "above 0")),
    "show none": (("show", ".", "--n", "0"), ("--n", "0", "above 0")),
    "draw fewer than one": (("show", ".", "--random", "-1"), ("--random", "-1", "above 0")),
    "sectors of no kind": (("sectors", "sho", "world-questions"), ("sho", "gen sectors show")),
    "no sector to show": (("sectors", "show", "opera"), ("opera", "world-questions")),
}


@pytest.mark.parametrize(("argv", "parts"), FLAGS.values(), ids=FLAGS)
def test_a_wrong_flag_is_named_with_the_mend(
    argv: tuple[str, ...], parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *argv)
    for part in parts:
        assert part in line


def test_no_endpoint_and_no_key_names_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "run", "--sector", "world-questions", "--n", "3", "--out", "made")
    for choice in ("OPENAI_API_KEY", "openai", "http(s)://HOST/v1", "builtin", "[endpoint.NAME]"):
        assert choice in line


def test_gen_alone_shows_the_help_and_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().err


HEAD = '[run]\nsector = "world-questions"\nn = 2\nendpoint = "main"\n'
MAIN = '[endpoint.main]\nbase_url = "builtin"\n'
CONFIGS = {
    "a run key misspelt": ('[run]\nendpiont = "builtin"\n', ("[run]", "endpiont", "did you mean endpoint?")),
    "a table misspelt": ("[runs]\nn = 3\n", ("runs", "did you mean run?")),
    "a table that is none": ("run = 3\n", ("[run]",)),
    "not TOML": ("[run]\nn =\n", ("line 2",)),
    "an endpoint key misspelt": (HEAD + '[endpoint.main]\nbase_ur = "x"\n', ("[endpoint.main]", "base_url?")),
    "an endpoint without an address": (HEAD + '[endpoint.main]\nmodel = "x"\n', ("[endpoint.main]", "base_url")),
    "an address that is none": (HEAD + '[endpoint.main]\nbase_url = "x"\n', ("base_url", "http://HOST/v1")),
    "an endpoint that is no table": (HEAD + '[endpoint]\nmain = "x"\n', ("[endpoint.main]", "table")),
    "a key in place of its variable": (
        HEAD + f'[endpoint.main]\nbase_url = "https://h/v1"\napi_key_env = "sk-{KEY}"\n',
        ("api_key_env", "variable"),
    ),
    "a key where none belongs": (
        HEAD + f'[endpoint.main]\nbase_url = "https://h/v1"\napi_key = "{KEY}"\n',
        ("'api_key'", "api_key_env?"),
    ),
    "a password in the address": (
        HEAD + f'[endpoint.main]\nbase_url = "https://me:{KEY}@h/v1"\n',
        ("a key in an address", "api_key_env"),
    ),
    "a variable that is not set": (
        HEAD + '[endpoint.main]\nbase_url = "https://h/v1"\napi_key_env = "NOT_SET_KEY"\n',
        ("NOT_SET_KEY", "not set", "export NOT_SET_KEY="),
    ),
    "a role misspelt": (HEAD + MAIN + '[roles]\nusr = "main"\n', ("usr", "did you mean user?")),
    "a role key misspelt": (
        HEAD + MAIN + '[roles]\nuser = { endpoint = "main", temprature = 1 }\n',
        ("temprature", "did you mean temperature?"),
    ),
    "a role at no endpoint": (
        HEAD.replace('endpoint = "main"\n', "") + MAIN + '[roles]\nuser = { endpoint = "mian" }\n',
        ("mian", "did you mean main?"),
    ),
    "a temperature in words": (
        HEAD + MAIN + '[roles]\nuser = { endpoint = "main", temperature = "hot" }\n',
        ("[roles] user", "temperature", "hot"),
    ),
    "n that is true": (HEAD.replace("n = 2", "n = true") + MAIN, ("n = True",)),
    "half a seed": (HEAD + "seed = 1.5\n" + MAIN, ("seed", "1.5")),
    "languages as a list": (HEAD + 'language = ["en"]\n' + MAIN, ("language",)),
}


@pytest.mark.parametrize(("text", "parts"), CONFIGS.values(), ids=CONFIGS)
def test_a_wrong_config_is_named_with_the_mend_and_no_secret_in_it_is_shown(
    text: str, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("run.toml").write_text(text)
    line = refused(capsys, "run", "--config", "run.toml", "--out", "made")
    for part in parts:
        assert part in line
    assert KEY not in line


FILES = {
    "openers, too few": ("openers", b"one two?\nthree four?\n", ("2 openers", "--n is 3")),
    "openers, none": ("openers", b"\n \n", ("0 openers", "--n is 3")),
    "openers, one twice": ("openers", b"one two?\nthree?\nfour?\none two?\n", ("line 4 repeats line 1",)),
    "openers, not UTF-8": ("openers", b"one?\ntwo \xff?\nthree?\n", (":2", "UTF-8")),
    "openers, torn": ("openers", b'{"opener": "one"}\n{"opener": "t\n', (":2",)),
    "openers, no opener": ("openers", b'{"question": "one"}\n', (":1", "`opener`")),
    "openers, a number": ("openers", b'{"opener": 3}\n', (":1", "`opener`")),
    "openers, a wrong field": ("openers", b'{"opener": "x y", "topic": 5}\n', (":1", "topic")),
    "openers, a wrong extra": ("openers", b'{"opener": "x y", "extra": 5}\n', (":1", "extra")),
    "openers, half a sign": ("openers", b'{"opener": "\\ud800"}\n', (":1",)),
    "system, none": ("system", b"", ("empty",)),
    "system, torn": ("system", b'be brief\n{"system": "x"\n', (":2", "not JSON")),
    "system, a wrong key": ("system", b'{"sys": "x"}\n', (":1", "system")),
    "system, no weight": ("system", b'{"system": "x", "weight": 0}\n', (":1", "weight")),
    "system, not UTF-8": ("system", b"\xff\n", ("UTF-8",)),
    "input, none": ("input", b"", ("empty",)),
    "input, torn": ("input", b'{"name": "Ada"}\n{"name": "x"\n', (":2", "not JSON")),
    "input, nameless": ("input", b'{"x": 1}\n', (":1", "name")),
    "input, not UTF-8": ("input", b"\xff\n", (":1", "UTF-8")),
}


@pytest.mark.parametrize(("flag", "content", "parts"), FILES.values(), ids=FILES)
def test_a_torn_file_is_named_with_its_line(
    flag: str, content: bytes, parts: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("brought.jsonl").write_bytes(content)
    line = refused(capsys, *FULL, f"--{flag}", "brought.jsonl")
    for part in ("brought.jsonl", *parts):
        assert part in line


@pytest.mark.parametrize("flag", ["openers", "input", "system"])
@pytest.mark.parametrize("path", ["nowhere.txt", "."])
def test_a_file_that_is_none_is_named_with_its_flag(flag: str, path: str, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, *FULL, f"--{flag}", path)
    assert f"--{flag} {path}" in line


def test_openers_and_input_together_name_both_flags(capsys: pytest.CaptureFixture[str]) -> None:
    Path("lines.txt").write_text("one?\ntwo?\nthree?\n")
    line = refused(capsys, *FULL, "--openers", "lines.txt", "--input", "lines.txt")
    assert "--openers" in line
    assert "--input" in line


TEMPLATES = (
    "languages/en/note.j2",
    "languages/en/user.j2",
    "languages/en/cue.j2",
    "sectors/world-questions/subtopics.j2",
)
SPELLS = {
    "a reach for the insides": ("{{ ''.__class__ }}", "__class__"),
    "a name that nobody gives": ("{{ nobody_gives_this }}", "nobody_gives_this"),
    "a brace too few": ("{{ n }", ""),
}


@pytest.mark.parametrize(("spell", "part"), SPELLS.values(), ids=SPELLS)
@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_that_may_not_or_cannot_be_filled_in_is_refused_before_the_first_request(
    template: str, spell: str, part: str, capsys: pytest.CaptureFixture[str]
) -> None:
    overlay = Path("mine") / template
    overlay.parent.mkdir(parents=True)
    overlay.write_text(f"Write exactly {spell}")
    line = refused(capsys, *FULL, "--prompts", "mine")
    assert template in line
    assert part in line


def test_a_template_that_is_not_utf8_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    overlay = Path("mine/languages/en/user.j2")
    overlay.parent.mkdir(parents=True)
    overlay.write_bytes(b"\xff")
    assert "user.j2" in refused(capsys, *FULL, "--prompts", "mine")


def test_a_mended_command_may_use_the_folder_of_the_wrong_one(capsys: pytest.CaptureFixture[str]) -> None:
    entities = Path("entities.jsonl")
    entities.write_text('{"name": "Ada Lovelace"\n')
    assert main((*FULL, "--input", "entities.jsonl")) == 2
    entities.write_text('{"name": "Ada Lovelace"}\n')
    assert main((*FULL, "--input", "entities.jsonl")) == 0, capsys.readouterr().err


def test_a_key_among_the_headers_is_not_written_down(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    config = Path("run.toml")
    config.write_text(HEAD + MAIN + f'extra_headers = {{ x-api-key = "{KEY}" }}\n')
    main(("run", "--config", "run.toml", "--out", "made"))
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    config.unlink()
    assert leaks(tmp_path) == []


def test_a_key_with_a_line_end_in_it_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BAD_KEY", f"{KEY}\nsecond line {KEY}")
    Path("run.toml").write_text(HEAD + '[endpoint.main]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "BAD_KEY"\n')
    line = refused(capsys, "run", "--config", "run.toml", "--out", "made")
    assert "BAD_KEY" in line
    assert KEY not in line
    assert leaks(tmp_path) == []


def test_a_flat_copy_of_prompts_is_refused_with_the_place_that_was_meant(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "rounds.toml").write_text("")
    asked = ("--sector", "world-questions", "--n", "2", "--endpoint", "builtin")
    line = refused(capsys, "run", *asked, "--prompts", str(tmp_path / "mine"))
    assert "rounds.toml stands for no file of prompts/; did you mean users/rounds.toml?" in line


def test_a_keyword_that_is_no_option_is_refused() -> None:
    from dialogue.errors import UsageError
    from gen.api import plan

    with pytest.raises(UsageError, match="did you mean rounds"):
        plan(sector="world-questions", n=3, endpoint="builtin", rouns="2-4")
