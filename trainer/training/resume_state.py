"""A resume state: weights, the optimizer's moments and how far the training is, so that it continues as if never interrupted.

Safetensors and JSON only, no pickle: a run's folder may come from anywhere. Random numbers need no state: they follow from (seed, step).
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

from trainer.training.checkpoint_selection import BestCheckpoint

_WEIGHTS = "model.safetensors"
_OPTIMIZER = "optimizer.safetensors"
_TRAIN_STATE = "progress.json"
_TRAINER_STATE = "trainer_state.json"


@dataclass(frozen=True)
class TrainState:
    """How far a training is. ``seconds`` since its first step; ``train_seconds`` of them without evaluations and saves."""

    step: int
    epoch: float
    best: BestCheckpoint | None
    seconds: float
    train_seconds: float
    stopped_early: bool = False
    """Early stopping ended it: no step is left."""
    evaluation_pending: bool = False
    """A stop interrupted the evaluation that is due after this step."""


def save_state(folder: Path, trainer: Trainer, train_state: TrainState) -> None:
    """Write the weights, optimizer and progress of a Trainer into ``folder``. Raises OSError."""
    scheduler, scaler = trainer.lr_scheduler, trainer.accelerator.scaler
    with disk_errors_as_oserror():
        save_model(trainer.model, str(folder / _WEIGHTS))
        names = _parameter_names(trainer.model, trainer.optimizer)
        moments = {
            f"{moment}:{names[index]}": value.detach().contiguous()
            for index, values in trainer.optimizer.state_dict()["state"].items()
            for moment, value in values.items()
            if isinstance(value, torch.Tensor)
        }
        save_file(moments, folder / _OPTIMIZER)
    values = {**asdict(train_state), "schedule_step": scheduler.last_epoch, "scaler": scaler.state_dict() if scaler is not None else None}
    (folder / _TRAIN_STATE).write_text(json.dumps(values), encoding="utf-8")
    batch_size = trainer.args.per_device_train_batch_size
    trainer_state = TrainerState(global_step=train_state.step, epoch=train_state.epoch, train_batch_size=batch_size)
    trainer_state.save_to_json(str(folder / _TRAINER_STATE))


def load_train_state(folder: Path) -> TrainState:
    """How far the training of a saved state is."""
    values = _read_values(folder)
    best = None if values["best"] is None else BestCheckpoint(**values["best"])
    names = ("step", "epoch", "seconds", "train_seconds", "stopped_early", "evaluation_pending")
    return TrainState(**{name: values[name] for name in names}, best=best)


def load_weights(folder: Path, model: torch.nn.Module) -> None:
    """Raises what safetensors raises if they belong to another model."""
    load_model(model, folder / _WEIGHTS)


def load_optimizer(folder: Path, model: torch.nn.Module, optimizer: Any, scheduler: Any) -> None:
    """Restore a fresh optimizer and its fresh schedule.

    A weight that was frozen before starts with fresh moments. The learning rate is the schedule's at that step, even if the schedule now has
    more epochs.
    """
    saved: dict[str, dict[str, torch.Tensor]] = {}
    for key, value in load_file(folder / _OPTIMIZER).items():
        moment, _, name = key.partition(":")
        saved.setdefault(name, {})[moment] = value
    state = {index: saved[name] for index, name in enumerate(_parameter_names(model, optimizer)) if name in saved}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    step = _read_values(folder)["schedule_step"]
    scheduler.last_epoch = step
    rates = [base * rate_factor(step) for base, rate_factor in zip(scheduler.base_lrs, scheduler.lr_lambdas, strict=True)]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
    scheduler._last_lr = rates


def load_scaler(folder: Path, scaler: Any) -> None:
    """Restore the loss scale of fp16."""
    state = _read_values(folder)["scaler"]
    if scaler is not None and state:
        scaler.load_state_dict(state)


@contextmanager
def disk_errors_as_oserror() -> Iterator[None]:
    """Raise OSError for a full disk, which libraries written in Rust report by exceptions of their own."""
    try:
        yield
    except Exception as error:
        if isinstance(error, SafetensorError) or "os error" in str(error):
            raise OSError(errno.ENOSPC, f"the model could not be written: {error}") from error
        raise


def _parameter_names(model: torch.nn.Module, optimizer: Any) -> list[str]:
    """The names of the weights in the optimizer's order."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return [names[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def _read_values(folder: Path) -> dict[str, Any]:
    return json.loads((folder / _TRAIN_STATE).read_text(encoding="utf-8"))
