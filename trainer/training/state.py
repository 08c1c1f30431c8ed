"""All that a training needs to go on as if nothing had happened: weights, the optimizer's moments, and how far it was.

Safetensors and JSON only, no pickle: a run's folder may come from anywhere. Random numbers need no keeping: they follow from (seed, step).
"""

import errno
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file, save_model
from transformers import Trainer, TrainerState

from trainer.training.selection import BestCheckpoint

_WEIGHTS = "model.safetensors"
_MOMENTS = "optimizer.safetensors"
_PROGRESS = "progress.json"
_TRAINER = "trainer_state.json"


@dataclass(frozen=True)
class TrainState:
    """How far a training is. ``seconds`` since its first step, ``train_seconds`` of them without evaluations and saves."""

    step: int
    epoch: float
    best: BestCheckpoint | None
    seconds: float
    train_seconds: float
    ended: bool = False
    """It ended early, by its recipe: nothing is to come."""
    unscored: bool = False
    """The evaluation that is due after this step was broken off by a stop."""


def save_state(folder: Path, trainer: Trainer, progress: TrainState) -> None:
    """Write all that a Trainer holds into ``folder``. Raises OSError."""
    scheduler, scaler = trainer.lr_scheduler, trainer.accelerator.scaler
    with disk_errors_as_oserror():
        save_model(trainer.model, str(folder / _WEIGHTS))
        names = _names(trainer.model, trainer.optimizer)
        moments = {
            f"{kind}:{names[index]}": value.detach().contiguous()
            for index, values in trainer.optimizer.state_dict()["state"].items()
            for kind, value in values.items()
            if isinstance(value, torch.Tensor)
        }
        save_file(moments, folder / _MOMENTS)
    facts = {**asdict(progress), "schedule_step": scheduler.last_epoch, "scaler": scaler.state_dict() if scaler is not None else None}
    (folder / _PROGRESS).write_text(json.dumps(facts), encoding="utf-8")
    batch = trainer.args.per_device_train_batch_size
    TrainerState(global_step=progress.step, epoch=progress.epoch, train_batch_size=batch).save_to_json(str(folder / _TRAINER))


def load_train_state(folder: Path) -> TrainState:
    facts = _facts(folder)
    best = None if facts["best"] is None else BestCheckpoint(**facts["best"])
    names = ("step", "epoch", "seconds", "train_seconds", "ended", "unscored")
    return TrainState(**{name: facts[name] for name in names}, best=best)


def load_weights(folder: Path, model: torch.nn.Module) -> None:
    """Raises what safetensors raises where they are of another model."""
    load_model(model, folder / _WEIGHTS)


def load_optimizer(folder: Path, model: torch.nn.Module, optimizer: Any, scheduler: Any) -> None:
    """Bring a fresh optimizer and its fresh schedule to where they were.

    A weight that did not learn before begins with fresh moments. The learning rate is the schedule's at that step, also where it was given
    more epochs since.
    """
    kept: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in load_file(folder / _MOMENTS).items():
        kind, _, name = key.partition(":")
        kept.setdefault(name, {})[kind] = value
    moments = {index: kept[name] for index, name in enumerate(_names(model, optimizer)) if name in kept}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    step = _facts(folder)["schedule_step"]
    scheduler.last_epoch = step
    rates = [base * shape(step) for base, shape in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates


def load_scaler(folder: Path, scaler: Any) -> None:
    """The loss scale of fp16."""
    facts = _facts(folder)["scaler"]
    if scaler is not None and facts:
        scaler.load_state_dict(facts)


@contextmanager
def disk_errors_as_oserror() -> Iterator[None]:
    """A full disk reaches us as an exception of the libraries' own that are written in Rust; it leaves as OSError."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SafetensorError) or "os error" in str(error):
            raise OSError(errno.ENOSPC, f"the model could not be written: {error}") from error
        raise


def _names(model: torch.nn.Module, optimizer: Any) -> list[str]:
    """The weights in the optimizer's own order."""
    known = {id(parameter): name for name, parameter in model.named_parameters()}
    return [known[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def _facts(folder: Path) -> dict[str, Any]:
    return json.loads((folder / _PROGRESS).read_text(encoding="utf-8"))
