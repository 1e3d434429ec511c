"""What a run has asked for and what it has paid, role by role; and the user's caps on both.

A cap holds for all calls of a run together. What is on its way counts before it is paid: near the cap a request waits
for those before it to be settled, and the first that no longer fits stops the run.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogue.errors import RunStopped, UsageError
from dialogue.records import Usage
from generator.client.endpoint import Price
from generator.client.prices import dollars

FIRST_GUESS_TOKENS = 256
"""The length of an answer before the first has come."""
NAMES_KEPT = 100
"""Fingerprints that a server invents anew for each reply must not fill the memory."""
COUNTS = (
    "requests",
    "replies",
    "unreported",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "retries",
    "rejections",
)
NAMES = ("finish_reasons", "models", "fingerprints")


@dataclass(slots=True)
class RoleMeter:
    """One role's totals."""

    price: Price | None = None
    requests: int = 0
    """Sent, whatever came of them."""
    replies: int = 0
    """Whole replies of status 200."""
    unreported: int = 0
    """Replies that did not say what they cost; their tokens are in no sum."""
    assumed_usd: float = 0.0
    """What the cap takes those to have cost; shown nowhere."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    retries: int = 0
    rejections: int = 0
    """429s."""
    longest: int = 0
    """Tokens of the longest answer so far, which is what a request holds back of the user's money."""
    finish_reasons: dict[str, int] = field(default_factory=dict)
    models: dict[str, int] = field(default_factory=dict)
    """As the endpoint named itself."""
    fingerprints: dict[str, int] = field(default_factory=dict)

    limit: int | None = None
    """`max_tokens` of the role, where it has one: no answer can be longer."""
    under_way: int = 0
    """Requests whose outcome is not known yet."""
    holding: int = 0
    """Requests on their way that hold back money."""

    def paid(self, usage: Usage, held_usd: float) -> None:
        """Count a whole reply, for which so much was held back."""
        self.replies += 1
        prompt, completion = usage.prompt_tokens, usage.completion_tokens
        if prompt is None or completion is None:
            self.unreported += 1
            self.assumed_usd += held_usd
            return
        self.prompt_tokens += prompt
        self.completion_tokens += completion
        self.cached_tokens += usage.cached_tokens or 0
        self.reasoning_tokens += usage.reasoning_tokens or 0
        if completion > self.longest:
            self.longest = completion

    def named(self, finish_reason: str | None, model: str | None, fingerprint: str | None) -> None:
        """Count how an answer ended and who says to have given it."""
        _count(self.finish_reasons, finish_reason)
        _count(self.models, model)
        _count(self.fingerprints, fingerprint)

    @property
    def mean_completion(self) -> int:
        """Tokens to expect of the next answer."""
        reported = self.replies - self.unreported
        return self.completion_tokens // reported if reported else FIRST_GUESS_TOKENS

    @property
    def cost_usd(self) -> float | None:
        """What was spent; None where the price is not known, or a reply did not say what it cost."""
        return None if self.price is None or self.unreported else self.reported_usd

    @property
    def reported_usd(self) -> float:
        """What the tokens cost that were reported."""
        if self.price is None:
            return 0.0
        return dollars(self.price, self.prompt_tokens, self.cached_tokens, self.completion_tokens)

    def as_dict(self) -> dict[str, Any]:
        """For the checkpoint and the summary."""
        totals: dict[str, Any] = {name: getattr(self, name) for name in (*COUNTS, "longest", "assumed_usd")}
        totals["requests"] -= self.under_way  # they are counted again with their turn, should a kill come between
        hits = self.cached_tokens / self.prompt_tokens if self.prompt_tokens else None
        names = {name: dict(getattr(self, name)) for name in NAMES}
        return {**totals, "cache_hit_share": hits, "cost_usd": self.cost_usd, **names}

    def restore(self, totals: Mapping[str, Any]) -> None:
        """Go on from `as_dict`."""
        for name in (*COUNTS, "longest"):
            setattr(self, name, int(totals.get(name, 0)))
        self.assumed_usd = float(totals.get("assumed_usd", 0.0))
        for name in NAMES:
            getattr(self, name).update(totals.get(name, {}))


class Meter:
    """All roles' totals, under the user's caps."""

    def __init__(
        self,
        prices: Mapping[str, Price | None],
        *,
        max_cost_usd: float | None = None,
        max_requests: int | None = None,
    ) -> None:
        unknown = [role for role, price in prices.items() if price is None]
        if max_cost_usd is not None and unknown:
            raise UsageError(
                f"--max-cost {max_cost_usd:g}: no price is known for the model of {', '.join(unknown)}; "
                "give one in the endpoint's `price = {input = ..., output = ...}` or in --prices FILE"
            )
        self.roles = {role: RoleMeter(price) for role, price in prices.items()}
        self._max_cost_usd = max_cost_usd
        self._max_requests = max_requests
        self._held_usd = 0.0
        self._freed = asyncio.Event()

    async def reserve(self, role: RoleMeter, prompt_tokens: int) -> float:
        """Count a request that is about to be sent and hold back its likely cost; RunStopped at a cap.

        The amount goes back through `release`, whatever comes of the request.
        """
        if self._max_requests is not None and self.requests >= self._max_requests:
            raise RunStopped(f"--max-requests {self._max_requests}: reached; run again with a higher one to go on")
        role.requests += 1
        role.under_way += 1
        if self._max_cost_usd is None or role.price is None:
            return 0.0
        try:
            return await self._hold(self._max_cost_usd, role, role.price, prompt_tokens)
        except BaseException:
            role.requests -= 1
            role.under_way -= 1
            raise

    async def _hold(self, cap: float, role: RoleMeter, price: Price, prompt_tokens: int) -> float:
        while True:
            amount = dollars(price, prompt_tokens, 0, role.limit or role.longest or FIRST_GUESS_TOKENS)
            if amount <= 0.0:  # a machine of the user's own
                return 0.0
            spent = self._spent_usd()
            # As long as nobody knows how long an answer is, one request at a time goes to find out.
            known = role.limit is not None or role.longest > 0 or role.holding == 0
            if known and spent + self._held_usd + amount <= cap:
                self._held_usd += amount
                role.holding += 1
                return amount
            if known and self._held_usd <= 0.0:
                raise RunStopped(
                    f"--max-cost {cap:g}: {spent:.4f} USD spent, and the next request may cost {amount:.4f}; "
                    "run again with a higher one to go on"
                )
            self._freed.clear()
            await self._freed.wait()

    def release(self, role: RoleMeter, amount: float) -> None:
        """Give back what a request of the role held."""
        role.under_way -= 1
        if amount:
            role.holding -= 1
            held = self._held_usd - amount
            self._held_usd = held if held > 1e-12 else 0.0
            self._freed.set()

    @property
    def caps_cost(self) -> bool:
        """Whether the user has set a limit on money."""
        return self._max_cost_usd is not None

    @property
    def requests(self) -> int:
        """Requests of all roles."""
        return sum(role.requests for role in self.roles.values())

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens of all roles."""
        return sum(role.prompt_tokens + role.completion_tokens for role in self.roles.values())

    @property
    def cost_usd(self) -> float | None:
        """What all roles have cost; None where one that has spoken cannot say."""
        costs = [role.cost_usd for role in self.roles.values() if role.replies or role.price is not None]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if costs and len(known) == len(costs) else None

    def _spent_usd(self) -> float:
        return sum(role.reported_usd + role.assumed_usd for role in self.roles.values())

    def as_dict(self) -> dict[str, Any]:
        """For the checkpoint and the summary."""
        roles = {name: role.as_dict() for name, role in self.roles.items()}
        return {"requests": self.requests, "tokens": self.tokens, "cost_usd": self.cost_usd, "roles": roles}

    def restore(self, totals: Mapping[str, Any]) -> None:
        """Go on from `as_dict`."""
        for name, part in totals.get("roles", {}).items():
            if name in self.roles:
                self.roles[name].restore(part)


def _count(names: dict[str, int], name: str | None) -> None:
    if name is not None and (name in names or len(names) < NAMES_KEPT):
        names[name] = names.get(name, 0) + 1
