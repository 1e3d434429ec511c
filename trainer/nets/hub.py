"""Models of the Hugging Face hub, asked for once and shortly before anything else is tried. No torch."""

from contextlib import suppress
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from dialogue.errors import UsageError
from trainer.nets.foreign import first_line, library

FILES = ("config.json", "adapter_config.json")
PATIENCE_S = 15


@cache
def to_be_had(model: str) -> None:
    """UsageError where the name is that of no model in the cache or at the hub: one request, and none repeated."""
    hub = library("huggingface_hub")
    try:
        if any(isinstance(hub.try_to_load_from_cache(model, name), str) for name in FILES):
            return
        hub.HfApi().model_info(model, timeout=PATIENCE_S)
    except hub.errors.HFValidationError:
        raise UsageError(f"model {model}: no such folder{near(model)}, and no hub id") from None
    except (hub.errors.RepositoryNotFoundError, hub.errors.OfflineModeIsEnabled) as error:
        offline = isinstance(error, hub.errors.OfflineModeIsEnabled)
        why = "not in the hub's cache (HF_HUB_OFFLINE is set)" if offline else "no such model at the hub"
        more = "" if offline else " (private and gated ones need HF_TOKEN)"
        raise UsageError(f"model {model}: no such folder{near(model)}, and {why}{more}") from None
    except Exception as error:  # of whichever HTTP library the hub's client stands on
        raise UsageError(
            f"model {model}: no such folder{near(model)}, and the hub is not to be reached ({first_line(error)})"
        ) from None


def near(path: str | Path) -> str:
    """Folders beside the path whose names are like its own, as a question; nothing where there are none."""
    given = Path(path).expanduser()
    beside: list[str] = []
    with suppress(OSError):  # not there, or not for us to list
        beside = [place.name for place in given.parent.iterdir() if place.is_dir()]
    found = [str(given.parent / name) for name in get_close_matches(given.name, beside, n=2)]
    return f" (did you mean {' or '.join(found)}?)" if found else ""
