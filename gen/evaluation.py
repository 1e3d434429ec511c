"""`gen evaluate` from settings to its report, with progress on stderr."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from evaluator.settings import EvaluateSettings
from gen.loops import OnStart, finish
from gen.progress import Progress

if TYPE_CHECKING:
    from evaluator.estimating import Expected


def settled(settings: EvaluateSettings) -> dict[str, Any]:
    """The report; may be called under a running event loop."""
    from evaluator.work import evaluated

    with Progress("questions") as progress:

        def work(on_start: OnStart | None) -> Coroutine[Any, Any, dict[str, Any]]:
            return evaluated(settings, progress.say, progress.show, on_start)

        return finish(work)


def estimated(settings: EvaluateSettings) -> "list[Expected]":
    """What would be asked and what it may cost, role by role; nothing is asked, and nothing written."""
    from evaluator.estimating import estimate
    from evaluator.preparing import prepared

    return estimate(prepared(settings))
