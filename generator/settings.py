"""What a run was asked to do."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dialogue.records import Record
from generator.client.chat import Sampling
from generator.client.endpoint import Endpoint

RoleName = Literal["opener", "user", "assistant"]
ROLES: tuple[RoleName, ...] = ("opener", "user", "assistant")


class RoleSettings(Record):
    """One role's endpoint and sampling."""

    endpoint: str
    """The name of an endpoint."""
    sampling: Sampling = Sampling()


class RunSettings(Record):
    """Everything a run needs to know; what is not in its `identity` may differ between two calls on one folder."""

    sector: str
    n: int = Field(ge=1)
    """How many dialogues the folder shall hold in the end."""
    out: Path
    rounds: tuple[int, int] | None = None
    """Fewest and most rounds; None: the sector's own."""
    preset: str | None = None
    """The shares of dialogue lengths (prompts/users/rounds.toml); None: the sector's own."""
    shares: str | None = None
    """The sector's preset of opener kinds; None: its default."""
    seed: int = 0
    language: dict[str, float] = Field(default_factory=lambda: {"en": 1.0})
    """Language codes and their weights."""
    openers: Path | None = None
    input: Path | None = None
    system: Path | None = None
    prompts: Path | None = None
    """A folder whose templates and data files stand before the package's."""
    prices: Path | None = None
    guided: bool = True
    """Whether the assistant gets the sector's guide; a system that is measured answers without."""
    concurrency: int = Field(default=64, ge=1, le=100_000)
    """Dialogues under way at the same time."""
    max_cost_usd: float | None = Field(default=None, gt=0)
    max_requests: int | None = Field(default=None, ge=1)
    retry_wait_s: float = Field(default=1.0, ge=0)
    """The first pause before a failed request is tried again; it doubles."""
    endpoints: dict[str, Endpoint]
    roles: dict[RoleName, RoleSettings]

    @field_validator("language")
    @classmethod
    def _in_order(cls, languages: dict[str, float]) -> dict[str, float]:
        """The same mixture makes the same plan, in whatever order it was written."""
        return dict(sorted(languages.items()))

    @model_validator(mode="after")
    def _sound(self) -> "RunSettings":
        if self.rounds is not None and not 1 <= self.rounds[0] <= self.rounds[1]:
            raise ValueError(f"--rounds {self.rounds[0]}-{self.rounds[1]}: expected A-B with 1 <= A <= B")
        if self.openers is not None and self.input is not None:
            raise ValueError(
                "--openers and --input: one brings the opening lines, the other what they are made from; give one"
            )
        return self

    def endpoint(self, role: RoleName) -> Endpoint:
        """The endpoint a role speaks to."""
        return self.endpoints[self.roles[role].endpoint]

    def identity(self) -> dict[str, Any]:
        """What makes this run this one, as far as settings alone say; `setting_up` adds what they lead to."""
        return {
            "sector": self.sector,
            "seed": self.seed,
            **{role: self._asked(role) for role in ROLES},
        }

    def _asked(self, role: RoleName) -> dict[str, Any]:
        endpoint = self.endpoint(role)
        return {
            "model": endpoint.model,
            **self.roles[role].sampling.model_dump(exclude_none=True),
            "extra_body": endpoint.extra_body,
            **({"seed": endpoint.seed, "wrong_share": endpoint.wrong_share} if endpoint.is_builtin else {}),
        }
