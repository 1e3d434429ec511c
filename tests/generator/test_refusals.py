import orjson
import pytest

from generator.client.refusals import complaint, mend, unsupported, verdict
from generator.client.transport import Reply

SENT = {"temperature", "top_p", "max_tokens", "seed", "response_format"}


def found(body: object) -> str | None:
    return unsupported(complaint(orjson.dumps(body), repr), SENT)


@pytest.mark.parametrize(
    ("error", "parameter"),
    [
        (
            {
                "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                "'max_completion_tokens' instead.",
                "param": "max_tokens",
                "code": "unsupported_parameter",
            },
            "max_tokens",
        ),
        (
            {"message": "Unsupported value: 'temperature' ...", "param": "temperature", "code": "unsupported_value"},
            "temperature",
        ),
        ({"message": "Unrecognized request argument supplied: seed", "param": None, "code": None}, "seed"),
        ({"message": "property 'seed' is unsupported"}, "seed"),
        ({"message": "This response_format type is unavailable now"}, "response_format"),
        ({"message": "Invalid schema", "param": "response_format.json_schema"}, "response_format"),
        ({"message": 'Unknown name "top_p": Cannot find field.'}, "top_p"),
        ({"message": "`temperature` is not supported here; supported are top_p, seed"}, "temperature"),
        ({"message": "Unsupported parameter: logprobs", "param": "logprobs", "code": "unsupported_parameter"}, None),
        (
            {
                "message": "This model's maximum context length is 4096 tokens. However, you requested max_tokens=900 "
                "which is not supported. Please reduce the length of the messages.",
                "param": "max_tokens",
                "code": "context_length_exceeded",
            },
            None,
        ),
        ({"message": "'max_tokens' is too large: 9000", "param": "max_tokens", "code": "invalid_value"}, None),
        ({"message": "messages must not be empty", "param": "messages"}, None),
        ({"message": "unknown error"}, None),
    ],
)
def test_only_a_parameter_that_is_refused_as_such_is_found(error: dict[str, object], parameter: str | None) -> None:
    assert found({"error": error}) == parameter


@pytest.mark.parametrize(
    "body",
    [
        {"detail": [{"loc": ["body", "seed"], "msg": "extra fields not permitted", "type": "value_error.extra"}]},
        {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted", "type": "extra_forbidden"}]},
        {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": ""}]}},
        {"object": "error", "message": "Unrecognized argument: seed", "type": "BadRequestError", "code": 400},
        [{"error": {"code": 400, "message": 'Invalid JSON payload received. Unknown name "seed": Cannot find field.'}}],
        {"error": "unknown field seed"},
    ],
)
def test_other_shapes_of_errors_are_read_too(body: object) -> None:
    assert found(body) == "seed"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"7", b'"x"', b'{"error": null}', b'{"error": {"message": 5}}']
)
def test_any_body_makes_a_complaint_with_a_message(body: bytes) -> None:
    said = complaint(body, repr)
    assert isinstance(said.message, str)
    assert unsupported(said, SENT) is None


@pytest.mark.parametrize(
    ("status", "code", "what"),
    [
        (429, "rate_limit_exceeded", "wait"),
        (429, "insufficient_quota", "stop"),
        (401, "invalid_api_key", "stop"),
        (307, "", "stop"),
        (204, "", "again"),
        (503, "", "again"),
        (425, "", "again"),
        (400, "content_filter", "filtered"),
        (413, "", "request"),
        (451, "", "request"),
    ],
)
def test_a_status_has_its_verdict(status: int, code: str, what: str) -> None:
    assert verdict(status, complaint(orjson.dumps({"error": {"message": "m", "code": code}}), repr)) == what


def test_a_mend_names_the_variable_where_there_is_one() -> None:
    refused = Reply(401, {}, b"")
    assert "MY_KEY" in mend(refused, "MY_KEY")
    assert "no api_key_env" in mend(refused, None)
    assert "base_url" in mend(Reply(410, {}, b""), None)
