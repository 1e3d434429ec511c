"""How long a dialogue is planned to be: drawn beforehand, since a model alone hardly ever ends where people would."""

from collections.abc import Mapping
from functools import cache

from dialogue.chance import draw, share
from dialogue.errors import UsageError
from prompts.loader import Prompts

ROUNDS = "users/rounds.toml"


def rounds(prompts: Prompts, preset: str, low: int, high: int, *key: object) -> int:
    """A number of rounds from `low` to `high`, as the preset spreads them; evenly where it has none of that range."""
    return int(draw(_weights(prompts, preset, low, high), share(*key, "rounds")))


@cache
def _weights(prompts: Prompts, preset: str, low: int, high: int) -> Mapping[str, float]:
    presets = prompts.data(ROUNDS)
    if preset not in presets:
        raise UsageError(f"{ROUNDS}: no preset {preset!r} (there are: {', '.join(presets)})")
    spread = {str(number): 0.0 for number in range(low, high + 1)}
    for span, weight in presets[preset].items():
        first, _, last = span.partition("-")
        numbers = [str(number) for number in range(int(first), int(last or first) + 1)]
        spread.update((number, spread[number] + weight / len(numbers)) for number in numbers if number in spread)
    return spread if sum(spread.values()) > 0 else dict.fromkeys(spread, 1.0)
