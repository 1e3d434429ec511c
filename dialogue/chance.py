"""Seeded chance: every random choice is a pure function of what it is for, never of when it is made."""

import random
from collections.abc import Mapping

from xxhash import xxh3_64_intdigest


def hash64(*parts: object) -> int:
    """A 64-bit unsigned hash of the parts, stable over runs, machines and Python versions."""
    return xxh3_64_intdigest("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"))


def hex64(*parts: object) -> str:
    """`hash64` as 16 hex digits."""
    return f"{hash64(*parts):016x}"


def share(*parts: object) -> float:
    """A number in [0, 1) drawn for the parts."""
    return hash64(*parts) / 2.0**64


def rng(*parts: object) -> random.Random:
    """A generator seeded for the parts; use `share` or `draw` where one number is enough."""
    return random.Random(hash64(*parts))


def draw(weights: Mapping[str, float], u: float) -> str:
    """The key at position `u` in [0, 1) of the weights laid end to end; weights need not sum to one."""
    total = sum(weights.values())
    if total <= 0:
        raise ValueError(f"weights sum to {total}: {dict(weights)}")
    left = u * total
    key = ""
    for key, weight in weights.items():
        left -= weight
        if left < 0 and weight > 0:
            return key
    return key
