"""The reports in a real browser: they are drawn, and what models wrote in them runs nothing and asks for nothing."""

import asyncio
import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from evaluator.settings import AnswerFile, EvaluateSettings
from evaluator.work import evaluated
from filters.engine.settings import FilterSettings
from filters.engine.walk import filtered

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(CHROMIUM is None, reason="needs a browser: apt-get install --no-install-recommends chromium"),
]


class Watch(ThreadingHTTPServer):
    """A server that remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), Ears)


class Ears(BaseHTTPRequestHandler):
    """Answers whatever is asked."""

    server: Watch

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def watch() -> Iterator[Watch]:
    server = Watch()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def chromium(folder: Path, page: Path, *flags: str) -> str:
    """What the browser prints of a page."""
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def hostile(port: int) -> str:
    at = f"http://127.0.0.1:{port}"
    return (
        f"<script>document.title='taken';fetch('{at}/script')</script><img src={at}/img onerror=fetch('{at}/error')>"
        f"</style></title></bdi><style>@import url({at}/css);body{{background:url({at}/bg)}}</style>"
        f"<iframe src={at}/frame></iframe><link rel=stylesheet href={at}/link>"
        f"<meta http-equiv=refresh content='0;{at}/go'>"
    )


def report(folder: Path, text: str) -> Path:
    """The page of a real filtering of dialogues that hold this text, as the reason of a drop and as a copy."""
    import orjson

    said = [f"Tell me of {text}", f"As an AI language model, I have no opinions on {text}"]
    kept = [f"Why is {text} here, and what does it do in a text of more words than five?", f"It is {text}."]
    rows = [("a", said), ("b", kept), (text, kept)]
    source = folder / "in.jsonl"
    source.write_bytes(
        b"".join(
            orjson.dumps({"id": id, "messages": [{"role": "user", "content": u}, {"role": "assistant", "content": a}]})
            + b"\n"
            for id, (u, a) in rows
        )
    )
    filtered(
        FilterSettings(inputs=(source,), out=folder / "out", filters=({"use": "refusals"}, {"use": "near_duplicates"}))
    )
    return folder / "out/report.html"


def evaluation(folder: Path, text: str) -> Path:
    """The page of a real evaluation in which question, category, systems, answers, judge and its replies are this."""
    file = folder / "judgments.jsonl"
    about = {"protocol": "mt_bench_pair", "benchmark": text, "category": text, "judge": text, "key": "k"}
    with file.open("w", encoding="utf-8") as out:
        for number in range(12):
            shown = [text, f"{text} two"]
            verdict = "[[A]]" if number % 3 else "[[B]]"
            row = {**about, "key": str(number), "item": f"{text} {number // 2}", "state": "parsed", "order": number % 2}
            row |= {"shown": shown if number % 2 == 0 else shown[::-1], "lengths": [9, 7], "raw": f"{text} {verdict}"}
            out.write(json.dumps(row) + "\n")
    settings = EvaluateSettings(out=folder / "out", judgments=(file,))
    asyncio.run(evaluated(settings, lambda said: None, lambda *told: None))
    return folder / "out/report.html"


def answered(folder: Path, text: str) -> Path:
    """The page of an evaluation whose answers and benchmark are this."""
    benchmark = folder / "bench.jsonl"
    rows = [{"question": f"{text} {n}", "answer": f"{text} #### {n}"} for n in range(3)]
    benchmark.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    given = folder / "answers.json"
    said = [{"instruction": row["question"], "output": f"{text} #### 1", "generator": text} for row in rows]
    given.write_text(json.dumps(said), encoding="utf-8")
    files = (AnswerFile(path=given),)
    settings = EvaluateSettings(out=folder / "out", benchmarks=(f"gsm8k={benchmark}",), answers=files)
    asyncio.run(evaluated(settings, lambda said: None, lambda *told: None))
    return folder / "out/report.html"


@pytest.mark.parametrize("made", [report, evaluation, answered])
def test_hostile_text_is_inert(made: Callable[[Path, str], Path], tmp_path: Path, watch: Watch) -> None:
    page = made(tmp_path, hostile(watch.server_port))
    drawn = chromium(tmp_path, page, "--dump-dom", "--virtual-time-budget=3000")
    assert watch.asked == []
    title = re.search(r"<title>(.*?)</title>", drawn, re.DOTALL)
    assert title is not None
    assert title[1].strip() != "taken"
    assert "document.title='taken'" in html.unescape(drawn), "the text itself is shown"
    assert not re.search(r"<(script|img|iframe)\b", drawn)


@pytest.mark.parametrize("made", [report, evaluation])
def test_a_page_is_drawn_and_fits_a_phone(made: Callable[[Path, str], Path], tmp_path: Path) -> None:
    page = made(tmp_path, "the tide, " * 40 + "w" * 500)
    shot = tmp_path / "shot.png"
    chromium(tmp_path, page, "--window-size=390,1200", f"--screenshot={shot}")
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert shot.stat().st_size > 20_000, "an empty page is smaller"
