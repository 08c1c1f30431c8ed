"""Predictor: a saved model and what it says about texts.

``probabilities`` does what ``pipeline("text-classification", model=..., top_k=None)(texts, truncation=True)`` does, in float32, batched
by length; and the same for a model whose head no pipeline knows. ``predict`` is for texts as people have them: it repairs them as those
of the training were repaired, and says which are empty and which were cut.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.data.checks.repairs import REPAIRS, repair_text
from trainer.data.corpus import clean_text
from trainer.errors import UserError
from trainer.training.encoder_loading import has_finite_weights, lacks_vocabulary
from trainer.training.encoders import max_tokens_of
from trainer.training.folder_check import check_folder
from trainer.training.libraries import load_libraries
from trainer.training.tokens import replace_surrogates


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model says of one text.

    ``text``: as it was read, cleaned and, where ``repaired`` says so, changed by a repair. ``probabilities``: float32 (classes,), summing
    to 1; None where there is nothing to read, and ``problem`` then says why. ``tokens``: of the whole text, special ones included; the
    model read ``tokens_read`` of them, and ``cut`` says that it did not see the end. Compared by identity.
    """

    text: str
    repaired: bool
    probabilities: np.ndarray | None
    tokens: int
    tokens_read: int
    cut: bool
    problem: str = ""

    def to_dict(self, label_names: Sequence[str]) -> dict[str, Any]:
        """The answer as JSON for the terminal and the API; label and probabilities are None where there is a ``reason``."""
        facts = {"tokens": self.tokens, "tokens_read": self.tokens_read, "cut": self.cut}
        if self.probabilities is None:
            return {"label": None, "probabilities": None, **facts, "reason": self.problem}
        probabilities = dict(zip(label_names, map(float, self.probabilities), strict=True))
        return {"label": max(probabilities, key=probabilities.__getitem__), "probabilities": probabilities, **facts}


class Predictor:
    """A model folder, loaded. Safe to call from several threads: it holds no state between calls."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        """Raise UserError where the folder holds no model that may be loaded, or one that does not give one label of several a text."""
        check_folder(folder)
        load_libraries()
        from transformers import AutoTokenizer

        from trainer.training.classifier import load_saved_classifier

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
            self._model = load_saved_classifier(folder)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"The model in {folder.parent.name}/{folder.name} could not be loaded; a file is missing or damaged. Train it again.",
                code="model_damaged",
            ) from error
        config = self._model.config
        self.label_names = _label_names(folder, config)
        self.repairs = _repairs(folder, config)
        """The repairs of texts that the model was trained with, by their codes."""
        _check_parts(folder, self._tokenizer, self._model)
        # A folder from elsewhere may name no length, or one beyond what the model has positions for.
        self._tokenizer.model_max_length = min(self._tokenizer.model_max_length, max_tokens_of(config))
        self._model.eval().to(device)
        self._device = device
        # A tokenizer is told how to cut before it does, and breaks when somebody tells it something else meanwhile.
        self._tokenizing = threading.Lock()

    @property
    def max_length(self) -> int:
        """Tokens that are read of a text, special ones included."""
        return int(self._tokenizer.model_max_length)

    def predict(self, texts: Sequence[str], *, max_chars: int | None = None) -> list[Prediction]:
        """What the model says of each text, after the repairs that its training rows went through.

        Of a text longer than ``max_chars`` only so much is looked at; it then counts as cut.
        """
        clean = [clean_text(text[:max_chars]) for text in texts]
        read = [repair_text(text, self.repairs) for text in clean]
        lengths = self._lengths(read)
        readable = [i for i, (_, known) in enumerate(lengths) if known]
        probabilities = dict(zip(readable, self.probabilities([read[i] for i in readable]), strict=True))
        return [
            Prediction(
                text=read[i],
                repaired=read[i] != clean[i],
                probabilities=probabilities.get(i),
                tokens=tokens,
                tokens_read=min(tokens, self.max_length),
                cut=tokens > self.max_length or (max_chars is not None and len(texts[i]) > max_chars),
                problem="" if i in probabilities else _problem(read[i]),
            )
            for i, (tokens, _) in enumerate(lengths)
        ]

    def probabilities(
        self, texts: Sequence[str], *, batch_size: int = 64, on_progress: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """Shape (len(texts), classes), float32, each row summing to 1; ``on_progress`` is called with the fraction (0..1) that is ready.

        The texts are read as they are: cleaned and repaired ones, as those of a run's rows.
        """
        import torch

        clean = [replace_surrogates(text) for text in texts]
        out = np.zeros((len(clean), len(self.label_names)), dtype=np.float32)
        # Texts of similar length together: padding is work.
        order = sorted(range(len(clean)), key=lambda i: len(clean[i]))
        for start in range(0, len(order), batch_size):
            picked = order[start : start + batch_size]
            with self._tokenizing:
                batch = self._tokenizer([clean[i] for i in picked], truncation=True, padding=True, return_tensors="pt").to(self._device)
            with torch.inference_mode():
                logits = self._model(**batch).logits
            out[picked] = torch.softmax(logits.float(), dim=-1).cpu().numpy()
            if on_progress is not None:
                on_progress((start + len(picked)) / len(order))
        return out

    def _lengths(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Of clean texts: the tokens of each as a whole, and how many tell the model something: neither added nor the unknown token."""
        if not texts:
            return []
        with self._tokenizing:
            encoded = self._tokenizer(list(texts), truncation=False, return_special_tokens_mask=True)
        unknown = self._tokenizer.unk_token_id
        return [
            (len(ids), sum(not special and token != unknown for token, special in zip(ids, mask, strict=True)))
            for ids, mask in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
        ]


def _damaged(folder: Path, why: str) -> UserError:
    return UserError(f"The model in {folder.parent.name}/{folder.name} cannot be used: {why}. Train it again.", code="model_damaged")


def _label_names(folder: Path, config: Any) -> tuple[str, ...]:
    """One name for each output, all different. Raises UserError."""
    names = config.id2label
    if sorted(names) != list(range(len(names))):
        raise _damaged(folder, "its config does not name each label once (id2label)")
    labels = tuple(str(names[i]) for i in range(len(names)))
    if len(set(labels)) < len(labels):
        raise _damaged(folder, "two of its labels have the same name (id2label in its config)")
    return labels


def _repairs(folder: Path, config: Any) -> tuple[str, ...]:
    codes = getattr(config, "text_repairs", None) or []
    if not isinstance(codes, list) or not all(isinstance(code, str) and code in REPAIRS and REPAIRS[code].repair_text for code in codes):
        raise _damaged(folder, "its config names repairs of texts that nobody knows here (text_repairs)")
    return tuple(codes)


def _check_parts(folder: Path, tokenizer: Any, model: Any) -> None:
    """Refuse what would answer at random or break on some text: no vocabulary, another one than the model's, weights that are no numbers."""

    from trainer.training.classifier import encoder_of

    if lacks_vocabulary(tokenizer):
        raise _damaged(folder, "it has no tokenizer, so that every word would be unknown to it")
    if max(tokenizer.get_vocab().values()) >= encoder_of(model).get_input_embeddings().num_embeddings:
        raise _damaged(folder, "its tokenizer has more tokens than its model knows; it belongs to another one")
    if not has_finite_weights(model):
        raise _damaged(folder, "some of its weights are no numbers")


def _problem(text: str) -> str:
    if not text:
        return "The text is empty, so there is nothing to judge. Type a word or more."
    return "The encoder cannot read any sign of this text, so there is nothing to judge. Write it in words."
