"""What only one thread at a time may do with torch and transformers: import them, and load a model.

transformers resolves its names lazily, and two threads that import it for the first time at once get a half-initialized module.
While it loads a model it patches functions of its own classes and restores them afterwards: two threads at once leave the patch for good.
"""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_IMPORT_LOCK = threading.Lock()
_LOAD_LOCK = threading.Lock()


def load_libraries() -> None:
    """Import torch and the parts of transformers that use a model; returns at once if that was done before."""
    with _IMPORT_LOCK, _without_garbage_collection():
        _import_models()


def load_training_libraries() -> None:
    """Import the parts that train, too: the Trainer imports datasets, pandas and peft, which a prediction does not need."""
    with _IMPORT_LOCK, _without_garbage_collection():
        _import_models()
        from transformers import DataCollatorWithPadding, Trainer, TrainerCallback, TrainingArguments, set_seed  # noqa: F401


def load_pretrained(model_class: type, folder: str, **options: Any) -> "tuple[PreTrainedModel, dict[str, Any]]":
    """A model of a folder in float32, by one of transformers' auto classes, and its loading info (``missing_keys`` and more).

    Only from safetensors, without running code of the folder. ``options`` go to ``from_pretrained``. Raises what that raises.
    """
    import torch

    with _LOAD_LOCK:
        return model_class.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, output_loading_info=True, **options
        )


def _import_models() -> None:
    import torch  # noqa: F401
    from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel  # noqa: F401
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    """Imported modules stay: collecting garbage among them again and again takes a sixth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
