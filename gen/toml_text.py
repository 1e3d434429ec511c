"""Values as a TOML holds them."""

from typing import Any


def toml_value(value: Any) -> str:
    """Text, a number, a list or a table in one line, as the right side of an equals sign; no value may be None."""
    import orjson

    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{orjson.dumps(key).decode()} = {toml_value(part)}" for key, part in value.items()) + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return orjson.dumps(value).decode()
