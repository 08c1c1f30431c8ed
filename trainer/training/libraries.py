"""The libraries that take seconds to import, imported by one thread at a time.

transformers resolves its names lazily, and two threads that import it for the first time at once get a half-made module.
"""

import threading

_LOCK = threading.Lock()


def load_libraries() -> None:
    """Import torch and all of transformers that this folder uses; at once where that was done before."""
    with _LOCK:
        import torch  # noqa: F401
        from transformers import (  # noqa: F401
            AutoConfig,
            AutoModelForSequenceClassification,
            AutoTokenizer,
            DataCollatorWithPadding,
            Trainer,
            TrainerCallback,
            TrainingArguments,
            set_seed,
        )
        from transformers.utils import logging

        logging.disable_progress_bar()
        logging.set_verbosity_error()
