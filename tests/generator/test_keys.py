import pytest

from dialogue.errors import UsageError
from generator.client.endpoint import Endpoint
from generator.client.keys import Secret, access

KEY = "abc-0123456789-xyz"


def made(**fields: object) -> Endpoint:
    return Endpoint.model_validate({"name": "main", "base_url": "http://h/v1", **fields})


def test_a_secret_shows_itself_to_nobody_but_reveal() -> None:
    secret = Secret(KEY)
    assert KEY not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == KEY
    assert secret == Secret(KEY)
    assert secret != Secret("other")


def test_a_key_goes_into_the_header_without_the_newline_it_was_pasted_with() -> None:
    headers = access(made(api_key_env="K"), {"K": f" {KEY}\n"}).headers
    assert headers["Authorization"] == f"Bearer {KEY}"


def test_without_a_variable_no_key_is_sent() -> None:
    assert "Authorization" not in access(made(), {"OPENAI_API_KEY": KEY}).headers


def test_a_header_may_take_its_value_from_the_environment() -> None:
    found = access(made(extra_headers={"api-key": "$AZURE", "X-Team": "blue"}), {"AZURE": KEY})
    assert (found.headers["api-key"], found.headers["X-Team"]) == (KEY, "blue")
    assert found.scrub(f"got {KEY}") == "got ***"


def test_a_key_with_odd_characters_is_refused_without_showing_it() -> None:
    with pytest.raises(UsageError, match="K holds more than plain characters") as caught:
        access(made(api_key_env="K"), {"K": "geheim\u00e4\u2028"})
    assert "geheim" not in str(caught.value)


def test_the_openai_key_brings_the_headers_of_the_openai_package() -> None:
    environ = {"OPENAI_API_KEY": KEY, "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}
    headers = access(made(api_key_env="OPENAI_API_KEY"), environ).headers
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert (headers["OpenAI-Organization"], headers["OpenAI-Project"]) == ("org-1", "proj-1")
    assert all(isinstance(text, str) for text in headers.values())


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer qqqqqqqqqqqq",
        "Incorrect API key provided: sk-proj-qqqq****qqqq.",
        "cannot connect to http://me:qqqqqqqqqqqq@proxy:3128",
        f"key {KEY} is qqqq".replace("qqqq", "odd"),
    ],
)
def test_what_looks_like_a_key_is_struck_out(text: str) -> None:
    scrubbed = access(made(api_key_env="K"), {"K": KEY}).scrub(text)
    assert "qqqq" not in scrubbed
    assert KEY not in scrubbed
    assert "***" in scrubbed


def test_a_quotation_is_scrubbed_before_it_is_cut() -> None:
    quote = access(made(api_key_env="K"), {"K": KEY}).quote(b"z" * 190 + KEY.encode() + b"z" * 5000)
    assert "abc-" not in quote
    assert len(quote) < 210
    assert access(made()).quote(b" \n") == "an empty body"
