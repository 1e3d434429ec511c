from pathlib import Path

import pytest

from dialogue.errors import UsageError
from dialogue.records import Usage
from generator.client.endpoint import DEFAULT_MODEL, FREE, Endpoint, Price
from generator.client.prices import TABLE, cost, price_of, table


def at(model: str | None, price: Price | None = None) -> Endpoint:
    return Endpoint(name="a", base_url="http://h/v1", model=model, price=price)


def test_the_default_model_has_a_price() -> None:
    assert price_of(at(DEFAULT_MODEL)) == Price(input=0.4, cached=0.1, output=1.6, batch=0.5)


def test_a_dated_name_has_the_price_of_the_name_unless_it_has_its_own() -> None:
    assert price_of(at("gpt-4o-2024-08-06")) == price_of(at("gpt-4o"))
    assert price_of(at("gpt-4o-2024-05-13")) == Price(input=5, output=15, batch=0.5)


@pytest.mark.parametrize("model", [None, "gpt-4.1-mini-finetuned", "openai/gpt-4o", "gpt-4", "gpt-4o-2411", "my-model"])
def test_an_unknown_model_has_no_price(model: str | None) -> None:
    assert price_of(at(model)) is None


def test_the_users_file_comes_before_ours_and_the_endpoint_before_both(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text('[mine.models]\n"gpt-4o" = { input = 9, output = 10 }\n"m" = { input = 1, output = 2 }\n')
    assert price_of(at("gpt-4o"), own) == Price(input=9, output=10)
    assert price_of(at("m"), own) == Price(input=1, output=2)
    assert price_of(at("gpt-4o-mini"), own) == price_of(at("gpt-4o-mini"))
    assert price_of(at("m", Price(input=3, output=4)), own) == Price(input=3, output=4)


def test_builtin_costs_nothing_unless_a_price_is_stated(tmp_path: Path) -> None:
    assert price_of(Endpoint(name="b", base_url="builtin")) == FREE
    assert price_of(Endpoint(name="b", base_url="builtin", price=None)) == FREE
    stated = Price(input=1, output=4)
    assert price_of(Endpoint(name="b", base_url="builtin", price=stated)) == stated


@pytest.mark.parametrize(
    "text", ["not toml", "[a]\nx = 1\n", '[a.models]\n"m" = { input = -1, output = 1 }\n', '[a.models]\n"m" = 5\n']
)
def test_a_table_that_cannot_be_read_is_a_usage_error_with_its_path(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"mine\.toml"):
        price_of(at("m"), path)
    with pytest.raises(UsageError, match=r"none\.toml"):
        price_of(at("m"), tmp_path / "none.toml")


def test_cached_tokens_cost_less_and_are_part_of_the_prompt() -> None:
    price = Price(input=2.0, cached=0.5, output=8.0, batch=0.5)
    usage = Usage(requests=1, prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)
    assert cost(price, usage) == pytest.approx(0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 8.0)
    assert cost(price, usage, batch=True) == pytest.approx((0.6 * 2.0 + 0.4 * 0.5 + 0.1 * 8.0) / 2)
    assert cost(Price(input=2.0, output=8.0), usage) == pytest.approx(2.0 + 0.8)


def test_what_is_not_known_has_no_cost() -> None:
    price = Price(input=1, output=1)
    assert cost(None, Usage(requests=1, prompt_tokens=1, completion_tokens=1)) is None
    assert cost(price, Usage(requests=1)) is None
    assert cost(price, Usage(requests=1, prompt_tokens=1)) is None


def test_every_price_of_the_table_is_plausible() -> None:
    for price in table(TABLE).values():
        assert price.output >= price.input > 0
        assert price.cached is None or price.cached <= price.input
