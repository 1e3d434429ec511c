"""A context stretched beyond the positions that a model was trained on."""

from typing import Any

from dialogue.errors import UsageError
from trainer.settings import RopeSettings


def positions(config: Any) -> int | None:
    """Positions that the model has; None where it has no table of them (ALiBi)."""
    found: int | None = getattr(config.get_text_config(), "max_position_embeddings", None)
    return found


def reach(config: Any) -> int | None:
    """Positions that an example may have: of dynamic ones, whose table keeps its number, all they grow to."""
    have = positions(config)
    parameters = getattr(config.get_text_config(), "rope_parameters", None) or {}
    return round(have * parameters["factor"]) if have and parameters.get("rope_type") == "dynamic" else have


def stretch(config: Any, rope: RopeSettings) -> None:
    """Give the config `rope.context` positions.

    linear (Chen et al. 2023, arXiv 2306.15595), dynamic NTK and YaRN (Peng et al. 2023, arXiv 2309.00071) scale the
    frequencies; extrapolate leaves them, as OpenChat lengthened LLaMA's table. UsageError where the model has no rotary
    positions, other ones already, or more positions than asked for. A model that was stretched like this is left alone.
    """
    text = config.get_text_config()
    place = f"rope: {config.model_type}"
    now: dict[str, Any] | None = getattr(text, "rope_parameters", None)
    if not now or positions(config) is None:
        raise UsageError(f"{place}: has no rotary positions to stretch; leave rope out")
    if any(isinstance(value, dict) for value in now.values()):
        raise UsageError(f"{place}: has other rotary positions for each kind of layer; leave rope out")
    kind = str(now.get("rope_type", "default"))
    have = int(text.max_position_embeddings)
    reach = round(have * now["factor"]) if kind == "dynamic" else have
    if reach == rope.context and kind in (rope.kind, "default"):
        return
    if kind != "default":
        raise UsageError(f"{place}: its positions are stretched already (rope_type = {kind}); leave rope out")
    if have > rope.context:
        raise UsageError(f"rope.context = {rope.context}: the model has {have} positions already; leave rope out")
    if rope.kind != "extrapolate":
        more = {"rope_type": rope.kind, "factor": rope.context / have}
        if rope.kind == "yarn":
            more["original_max_position_embeddings"] = have
        text.rope_parameters = {**now, **more}
    if rope.kind != "dynamic":  # its frequencies are computed from the old number while the sequence grows
        text.max_position_embeddings = rope.context
