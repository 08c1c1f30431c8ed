"""What of torch and transformers only one thread at a time may do: import them, and load a model.

transformers resolves its names lazily, and two threads that import it for the first time at once get a half-made module.
While it loads a model it replaces functions of its own classes, and puts back what it found: two threads at once leave the replacement for good.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_LOCK = threading.Lock()
_LOADING = threading.Lock()


def load_libraries() -> None:
    """Import torch and what it takes of transformers to use a model; at once where that was done before."""
    with _LOCK, _collecting_nothing():
        _load_models()


def load_training_libraries() -> None:
    """Import what it takes to train, too: the Trainer brings datasets, pandas and peft along, which a prediction can do without."""
    with _LOCK, _collecting_nothing():
        _load_models()
        from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments, set_seed  # noqa: F401


def load_pretrained(kind: type, folder: str, **how: Any) -> "tuple[PreTrainedModel, dict[str, Any]]":
    """A model of a folder in float32, by one of transformers' auto classes, and what it said of the loading (``missing_keys`` and more).

    Only from safetensors, without code of the folder. Further arguments go to ``from_pretrained``. Raises what that raises.
    """
    import torch

    with _LOADING:
        return kind.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **how
        )


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
