"""Models that are named and not there: one short question to the hub, and an answer that helps."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from dialogue.errors import UsageError
from trainer.nets import hub
from trainer.nets.merge import merge
from trainer.nets.names import adapter_config, resolve


class Hub(BaseHTTPRequestHandler):
    """Has one model, and no other."""

    asked: list[str]

    def do_GET(self) -> None:
        if self.path.startswith("/api/models/"):  # the client asks for other things by the way
            self.asked.append(self.path)
        there = self.path.endswith("/lab/there")
        self.send_response(200 if there else 404)
        if not there:
            self.send_header("X-Error-Code", "RepoNotFound")
        body = b'{"id": "lab/there", "modelId": "lab/there", "tags": [], "siblings": []}' if there else b"{}"
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is asked of a hub of this machine."""
    Hub.asked = []
    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    hub.to_be_had.cache_clear()
    yield Hub.asked
    hub.to_be_had.cache_clear()
    server.shutdown()
    server.server_close()


def test_a_model_that_is_not_at_the_hub_is_asked_for_once(asked: list[str]) -> None:
    with pytest.raises(UsageError, match=r"lab/none: no such folder, and no such model at the hub .*HF_TOKEN"):
        adapter_config("lab/none")
    assert asked == ["/api/models/lab/none"]


def test_a_model_at_the_hub_is_known(asked: list[str]) -> None:
    hub.to_be_had("lab/there")
    hub.to_be_had("lab/there")
    assert asked == ["/api/models/lab/there"]


def test_a_hub_that_is_not_to_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match=r"lab/far: no such folder, and the hub is not to be reached \("):
        hub.to_be_had("lab/far")


def test_without_the_network_the_cache_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="lab/off: no such folder, and not in the hub's cache"):
        hub.to_be_had("lab/off")


def test_folders_of_like_names_are_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[str]) -> None:
    (tmp_path / "round-one").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"no such folder \(did you mean .*/round-one\?\)"):
        resolve(tmp_path / "round-onee")
    for wrong in ("roundone", "round_one"):
        with pytest.raises(
            UsageError, match=r"no such folder \(did you mean round-one\?\), and no such model at the hub"
        ):
            merge([wrong], tmp_path / "out")
    with pytest.raises(UsageError, match="no such folder, and no hub id"):
        hub.to_be_had("no id")
