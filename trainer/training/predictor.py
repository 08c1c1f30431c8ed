"""Predictor: a saved model and what it says about texts.

Does what ``pipeline("text-classification", model=..., top_k=None)(texts, truncation=True)`` does, in float32, batched by length; and the
same for a model whose head no pipeline knows.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from trainer.errors import UserError
from trainer.training.libraries import load_libraries


class Predictor:
    """A model folder, loaded. Safe to call from several threads: it holds no state between calls."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        """Raise UserError where the folder holds no model that can be loaded."""
        load_libraries()
        from transformers import AutoTokenizer

        from trainer.training.classifier import load_saved

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
            self._model = load_saved(folder)
        except Exception as error:
            raise UserError(
                f"The model in {folder.parent.name}/{folder.name} could not be loaded; a file is missing or damaged. Train it again.",
                code="model_damaged",
            ) from error
        self._model.eval().to(device)
        self._device = device
        names = self._model.config.id2label
        self.label_names: tuple[str, ...] = tuple(str(names[i]) for i in range(len(names)))

    def probabilities(self, texts: Sequence[str], *, batch_size: int = 64, done: Callable[[float], None] | None = None) -> np.ndarray:
        """Shape (len(texts), classes), float32, each row summing to 1; ``done`` hears the share that is ready."""
        import torch

        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        out = np.zeros((len(clean), len(self.label_names)), dtype=np.float32)
        # Texts of similar length together: padding is work.
        order = sorted(range(len(clean)), key=lambda i: len(clean[i]))
        for start in range(0, len(order), batch_size):
            picked = order[start : start + batch_size]
            batch = self._tokenizer([clean[i] for i in picked], truncation=True, padding=True, return_tensors="pt").to(self._device)
            with torch.inference_mode():
                logits = self._model(**batch).logits
            out[picked] = torch.softmax(logits.float(), dim=-1).cpu().numpy()
            if done is not None:
                done((start + len(picked)) / len(order))
        return out
