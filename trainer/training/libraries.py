"""The libraries that take seconds to import, imported by one thread at a time.

transformers resolves its names lazily, and two threads that import it for the first time at once get a half-made module.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()


def load_libraries() -> None:
    """Import torch and what it takes of transformers to use a model; at once where that was done before."""
    with _LOCK, _collecting_nothing():
        _load_models()


def load_training_libraries() -> None:
    """Import what it takes to train, too: the Trainer brings datasets, pandas and peft along, which a prediction can do without."""
    with _LOCK, _collecting_nothing():
        _load_models()
        from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments, set_seed  # noqa: F401


def _load_models() -> None:
    import torch  # noqa: F401
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel  # noqa: F401
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


@contextmanager
def _collecting_nothing() -> Iterator[None]:
    """What is imported stays: looking through it for garbage again and again takes a sixth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
