"""What tokens cost: a small table that a user can override, and no guess where it says nothing."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dialogue.errors import UsageError
from dialogue.records import Usage, one_line
from generator.client.endpoint import Endpoint, Price

TABLE = Path(__file__).with_name("prices.toml")
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$")


def price_of(endpoint: Endpoint, own: Path | None = None) -> Price | None:
    """The endpoint's own price, else that of its model in the user's file, else in ours; None: unknown.

    A model is found by its exact name or, where it bears a date (gpt-4o-2024-08-06), by the name without it.
    """
    if endpoint.price is not None or endpoint.model is None:
        return endpoint.price
    tables = [table(path) for path in (own, TABLE) if path is not None]
    names = (endpoint.model, _DATED.sub("", endpoint.model))
    return next((prices[name] for prices in tables for name in names if name in prices), None)


@cache
def table(path: Path) -> dict[str, Price]:
    """Model name to price, from a TOML file of providers: `[PROVIDER.models]`, and the provider's batch factor."""
    try:
        providers: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path}: {error}") from None
    found = {}
    for provider, entry in providers.items():
        models = entry.get("models") if isinstance(entry, dict) else None
        if not isinstance(models, dict):
            raise UsageError(f"{path}: {provider}: expected [{provider}.models] with a price for each model")
        for model, price in models.items():
            found[model] = _price(f"{path}: {provider}.models.{model}", price, entry.get("batch"))
    return found


def _price(place: str, price: Any, batch: Any) -> Price:
    try:
        if batch is not None and isinstance(price, dict):
            price = {"batch": batch, **price}
        return Price.model_validate(price)
    except ValidationError as error:
        raise UsageError(f"{place}: {one_line(error)}") from None


def cost(price: Price | None, usage: Usage, *, batch: bool = False) -> float | None:
    """US dollars for the usage; None where the price or the usage is not known."""
    if price is None or usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return dollars(price, usage.prompt_tokens, usage.cached_tokens or 0, usage.completion_tokens, batch=batch)


def dollars(price: Price, prompt: int, cached: int, completion: int, *, batch: bool = False) -> float:
    """US dollars for so many tokens; cached ones are part of the prompt's."""
    cached = min(cached, prompt)
    cached_price = price.input if price.cached is None else price.cached
    millionths = (prompt - cached) * price.input + cached * cached_price + completion * price.output
    return millionths * (price.batch if batch else 1.0) / 1e6
