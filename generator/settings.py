"""What a run was asked to do."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from dialogue.records import Record
from generator.client.chat import Sampling
from generator.client.endpoint import Endpoint

RoleName = Literal["opener", "user", "assistant"]
ROLES: tuple[RoleName, ...] = ("opener", "user", "assistant")
_SEVERAL = ":"
"""Parts `assistant` and the name of an endpoint, where several assistants answer."""


def one_of_several(endpoint: str) -> str:
    """The role of an assistant beside others, each by its own endpoint."""
    return f"assistant{_SEVERAL}{endpoint}"


def side_of(role: str) -> str:
    """Whose side a role is on: of each of several assistants the assistant's."""
    return role.partition(_SEVERAL)[0]


def endpoint_of(role: str) -> str | None:
    """The endpoint of an assistant beside others; None of any other role."""
    return role.partition(_SEVERAL)[2] or None


class RoleSettings(Record):
    """One role's endpoint and sampling."""

    endpoint: str
    """The name of an endpoint."""
    sampling: Sampling = Sampling()
    trained: bool = False
    """Of the user: whether the model was taught the user's side, and speaks for itself (generator/trained_user.py)."""
    brief: bool = True
    """Of a trained user: whether a brief of the person stands above the dialogue."""


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
    roles: dict[str, RoleSettings]
    """Who speaks: opener, user and assistant. Several assistants, where answers are compared, are a role each
    (`one_of_several`) in the place of that one."""

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

    def endpoint(self, role: str) -> Endpoint:
        """The endpoint a role speaks to."""
        return self.endpoints[self.roles[role].endpoint]

    @property
    def assistants(self) -> tuple[str, ...]:
        """The roles that answer: one, or several in the order of their names."""
        return tuple(sorted(role for role in self.roles if side_of(role) == "assistant"))

    def identity(self) -> dict[str, Any]:
        """What makes this run this one, as far as settings alone say; `setting_up` adds what they lead to."""
        several = {name: self._asked(role) for role in self.assistants if (name := endpoint_of(role))}
        return {
            "sector": self.sector,
            "seed": self.seed,
            "opener": self._asked("opener"),
            "user": self._asked("user"),
            "assistant": several or self._asked("assistant"),
        }

    def _asked(self, role: str) -> dict[str, Any]:
        endpoint = self.endpoint(role)
        return {
            "model": endpoint.model,
            **self.roles[role].sampling.model_dump(exclude_none=True),
            "extra_body": endpoint.extra_body,
            **({"trained": True, "brief": self.roles[role].brief} if self.roles[role].trained else {}),
            **({"seed": endpoint.seed, "wrong_share": endpoint.wrong_share} if endpoint.is_builtin else {}),
        }
