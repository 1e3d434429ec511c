"""What a filtering is asked to do."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from filters.engine.blocks import BLOCK_BYTES


class FilterSettings(BaseModel):
    """Input, output, and the chain as tables; made by `gen/` from flags and TOML."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inputs: tuple[Path, ...]
    out: Path
    filters: tuple[dict[str, JsonValue], ...]
    """Tables with `use` and settings."""
    places: tuple[str, ...] = ()
    """Where each table stands, for messages; empty: they are `filters`."""
    preset: str | None = None
    format: str | None = None
    against: tuple[Path, ...] = ()
    """Earlier data: what copies it is dropped, it is not filtered itself."""
    workers: int = Field(default=1, ge=1)
    block_bytes: int = Field(default=BLOCK_BYTES, ge=1)
    """Input is cut into blocks of about this size; it never changes a result."""
    cache: Path | None = None
    """Where what was computed is kept for later runs; None is `work` in the output folder."""

    @property
    def cache_folder(self) -> Path:
        """Where it is kept."""
        return self.cache or self.out / "work"

    def as_asked(self) -> dict[str, Any]:
        """What decides about the result: a folder holds the result of one such request."""
        return self.model_dump(mode="json", exclude={"out", "workers", "cache", "places", "block_bytes"})
