import subprocess
import sys

import pytest
from pydantic import ValidationError

from dialogue.errors import UsageError
from generator.client.endpoint import BUILTIN_URL, DEFAULT_MODEL, FREE, Endpoint, chat_url, resolve


def test_an_openai_key_alone_means_openai_with_its_default_model() -> None:
    endpoint = resolve(None, None, {"OPENAI_API_KEY": "k"})
    assert (endpoint.name, endpoint.model, endpoint.api_key_env) == ("openai", DEFAULT_MODEL, "OPENAI_API_KEY")
    assert endpoint.base_url == ("https://api.openai.com/v1",)


def test_openai_follows_its_base_url_variable_and_the_model_asked_for() -> None:
    endpoint = resolve("openai", "other", {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1/"})
    assert (endpoint.base_url, endpoint.model) == (("http://127.0.0.1:1/v1",), "other")


def test_an_address_needs_no_key() -> None:
    endpoint = resolve("http://localhost:8000/v1", "m", {})
    assert (endpoint.name, endpoint.base_url, endpoint.api_key_env) == (
        "localhost:8000",
        ("http://localhost:8000/v1",),
        None,
    )


def test_builtin_is_free_and_inside() -> None:
    endpoint = resolve("builtin", None, {})
    assert endpoint.is_builtin
    assert (endpoint.base_url, endpoint.model, endpoint.price) == ((BUILTIN_URL,), "builtin", FREE)


@pytest.mark.parametrize("text", [None, "opnai", "ftp://x/v1"])
def test_what_cannot_be_resolved_names_the_choices(text: str | None) -> None:
    with pytest.raises(UsageError, match="openai") as caught:
        resolve(text, None, {})
    for choice in ("http(s)://", "builtin", "OPENAI_API_KEY"):
        assert choice in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://user:secret@host/v1", "http:///v1", "http://host:0/v1", "http://host:99999/v1"]
)
def test_an_address_that_cannot_be_used_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve(url, None, {})
    assert "secret" not in str(caught.value)


def test_one_address_may_stand_without_a_list_and_several_must_differ() -> None:
    assert Endpoint(name="a", base_url="http://h/v1").base_url == ("http://h/v1",)
    assert Endpoint(name="a", base_url=["http://h/v1", "http://i/v1"]).base_url == ("http://h/v1", "http://i/v1")
    for bad in ([], ["http://h/v1", "http://h/v1/"], ["nonsense"], 5, [5]):
        with pytest.raises(ValidationError):
            Endpoint(name="a", base_url=bad)


def test_the_path_of_chat_completions_stands_once_and_before_the_query() -> None:
    for url in ("https://h/v1", "https://h/v1/", "https://h/v1/chat/completions"):
        endpoint = Endpoint(name="a", base_url=url)
        assert chat_url(endpoint.base_url[0]) == "https://h/v1/chat/completions"
    azure = Endpoint(name="a", base_url="https://h/d/m?api-version=1")
    assert chat_url(azure.base_url[0]) == "https://h/d/m/chat/completions?api-version=1"


def test_a_variable_that_is_not_set_is_named_with_its_field() -> None:
    endpoint = Endpoint(name="a", base_url="http://h/v1", api_key_env="K1", extra_headers={"api-key": "$K2", "x": "y"})
    with pytest.raises(UsageError, match="api_key_env names K1"):
        endpoint.check({"K2": "v"})
    with pytest.raises(UsageError, match=r"extra_headers\.api-key names K2"):
        endpoint.check({"K1": "v", "K2": " "})
    endpoint.check({"K1": "v", "K2": "v"})


def test_the_client_and_its_parts_load_neither_openai_nor_aiohttp_nor_tiktoken() -> None:
    code = "import sys, generator.client.chat, generator.client.tokens; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"openai", "aiohttp", "tiktoken", "tenacity", "numpy"} & set(loaded)
