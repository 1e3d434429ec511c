"""The end of a training: the best model put in place, what it can do counted, the summary written."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from dialogue.disk import writing_to
from dialogue.errors import UsageError
from dialogue.jsonl import write_atomically
from trainer.batches.sources import Source
from trainer.loop import checkpoint, parallel
from trainer.loop.card import card
from trainer.loop.desk import Desk
from trainer.loop.ready import DTYPES, dtype_of
from trainer.loop.validate import exact_replies
from trainer.nets import base
from trainer.nets.foreign import Model

SUMMARY = "summary.json"
MODEL = "model"
SAVED = {**DTYPES, "float16": torch.float16}


def finished(out: Path) -> dict[str, Any] | None:
    """The summary of a training that is done; None where it is not. UsageError where it is torn."""
    path = out / SUMMARY
    try:
        summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        mend = "delete it, and the same command writes it anew"
        raise UsageError(f"{path}: broken JSON ({error}); {mend}") from None
    return summary if (out / MODEL).is_dir() else None


def finish(desk: Desk, found: list[Source], said: Callable[[str], None]) -> dict[str, Any]:
    """Put the best checkpoint's model in place, or the last one where nothing was held out; returns the summary."""
    settings, standing = desk.settings, desk.standing
    weights = parallel.gathered(desk.learner, desk.model, desk.here)
    if not desk.here.first:
        parallel.wait(desk.here)
        return finished(settings.out) or {}
    model, loss = desk.model, standing.eval_loss
    desk.optimizer.state.clear()  # it is needed no more, and a second model may be loaded beside the first
    if standing.best_step is not None:
        said(
            f"the model is that of step {standing.best_step:,}, the lowest eval loss, {standing.best_loss:.4f}, of "
            f"{standing.looks:,} that were looked at and saved"
        )
    if standing.best_step not in (None, standing.step):
        assert standing.best_step is not None
        model, weights, loss = _of_step(desk, standing.best_step), None, standing.best_loss
    of_files = desk.store.audit_of_files
    summary: dict[str, Any] = {
        "steps": standing.step,
        "epochs": round(desk.course.epoch_at(standing.step), 4),
        "useful_tokens": standing.useful_tokens,
        "eval_loss": loss,
        "best_step": standing.best_step,
        "parameters": sum(parameter.numel() for parameter in desk.model.parameters()),
        **_exact(desk, model, said),
        "audit": desk.store.audit.as_dict(),
        **({} if of_files is None else {"audit_of_validation": of_files.as_dict()}),
        "model": str(settings.out / MODEL),
        "status": 0,
    }
    text = card(settings, desk.store, found, summary)
    dtype = SAVED[settings.save_dtype] if settings.save_dtype else dtype_of(settings, desk.here.device)
    speech = desk.renderer
    checkpoint.save(settings.out / MODEL, model, speech.tokenizer, speech, settings, text, weights=weights, dtype=dtype)
    with writing_to(settings.out / SUMMARY):
        write_atomically(settings.out / SUMMARY, [json.dumps(summary, indent=2).encode() + b"\n"])
    parallel.wait(desk.here)
    return summary


def _of_step(desk: Desk, step: int) -> Model:
    folder = checkpoint.step_folder(desk.settings.out, step)
    return base.load(desk.settings, desk.renderer.tokenizer, desk.new_ids, desk.here.device, checkpoint=folder)


def _exact(desk: Desk, model: Model, said: Callable[[str], None]) -> dict[str, Any]:
    """exact_replies (a share) and n, where they were asked for."""
    if not desk.settings.exact:
        return {}
    if desk.here.world > 1:
        said(f"exact = {desk.settings.exact}: not counted, only a training in one process answers")
        return {}
    try:
        found = exact_replies(model, desk.renderer, desk.store.held_dialogues(), desk.settings.exact)
    except UsageError as error:
        said(f"exact = {desk.settings.exact}: not counted: {error}")
        return {}
    return {"exact_replies": found.share, "n": found.n, "unanswered": found.unanswered}
