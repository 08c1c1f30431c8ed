"""The private hooks of transformers' Trainer that ours overrides: a new version that renames one must not leave ours uncalled."""

import inspect
from pathlib import Path

from transformers import Trainer, TrainingArguments

from trainer.training.trainer import ClassificationTrainer

HOOKS = {
    "_get_train_sampler",
    "_run_epoch",
    "_set_signature_columns_if_needed",
    "_save_checkpoint",
    "_load_from_checkpoint",
    "_load_optimizer_and_scheduler",
    "_load_scaler",
    "_load_rng_state",
}


def test_every_private_hook_exists_in_transformers_and_takes_the_same_arguments() -> None:
    private = {
        name
        for name, _ in inspect.getmembers(ClassificationTrainer, inspect.isfunction)
        if name in vars(ClassificationTrainer) and name[0] == "_"
    }
    assert private - {"__init__"} == HOOKS
    for name in HOOKS:
        theirs = inspect.signature(getattr(Trainer, name)).parameters
        ours = inspect.signature(getattr(ClassificationTrainer, name)).parameters
        takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in ours.values())
        assert takes_any or list(theirs) == list(ours), name


def test_the_number_of_gpus_can_be_limited(tmp_path: Path) -> None:
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    arguments._n_gpu = 7
    assert arguments.n_gpu == 7
