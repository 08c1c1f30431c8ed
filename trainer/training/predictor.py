"""Predictor: a saved model that predicts the labels of texts.

``probabilities`` does what ``pipeline("text-classification", model=..., top_k=None)(texts, truncation=True)`` does, in float32, batched
by length; and the same for a model whose head no pipeline knows. ``predict`` is for raw texts: it repairs them as those of the training
were repaired, and says which are empty and which are truncated.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from trainer.data.checks.repairs import read_text
from trainer.data.task import SINGLE_LABEL, Task, most_probable_first
from trainer.errors import ModelError, UserError, is_failure
from trainer.text_format import quote_names
from trainer.training.answers import damaged_model, read_answers
from trainer.training.encoder_loading import has_finite_weights, lacks_vocabulary, try_tokenizer
from trainer.training.encoders import max_tokens_of
from trainer.training.exclusive_loading import load_libraries
from trainer.training.folder_check import check_folder
from trainer.training.tokens import replace_surrogates

if TYPE_CHECKING:
    from trainer.training.attributions import Attribution


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a model predicts for one text.

    ``text``: as the model read it, cleaned and, if ``repaired``, changed by a repair. ``probabilities``: float32 (classes,), summing
    to 1 for one label a text; None if there is nothing to read, and ``problem`` then says why. ``tokens``: of the whole text, including special ones; the
    model read ``tokens_read`` of them, and ``cut`` says whether it missed the end. Compared by identity.
    """

    text: str
    repaired: bool
    probabilities: np.ndarray | None
    tokens: int
    tokens_read: int
    cut: bool
    problem: str = ""
    task: Task = SINGLE_LABEL
    answer_from: float | None = None
    """The model answers from this probability on, and below says that it is unsure; None: it always answers."""

    @property
    def unsure(self) -> bool:
        """Whether the model does not answer, because its probability is below the one that it answers from."""
        if self.probabilities is None or self.answer_from is None:
            return False
        return float(self.task.confidence(self.probabilities)) < self.answer_from

    def decided_name(self, label_names: Sequence[str]) -> str | None:
        """What the model says, by name, "" for no label; None if there is nothing to read."""
        return None if self.probabilities is None else self.task.decided_name(self.probabilities, label_names)

    def main_label(self, label_names: Sequence[str]) -> str | None:
        """The most probable label that the model says, or if it says none the most probable of all; None if there is nothing to read."""
        if self.probabilities is None:
            return None
        said, order = self.task.label_ids(self.task.decide(self.probabilities)), most_probable_first(self.probabilities.tolist())
        return label_names[next((i for i in order if i in said), order[0])]

    def to_dict(self, label_names: Sequence[str]) -> dict[str, Any]:
        """As JSON for the terminal and the API; label and probabilities are None if there is a ``reason``."""
        lengths = {"tokens": self.tokens, "tokens_read": self.tokens_read, "cut": self.cut}
        if self.probabilities is None:
            return {"label": None, "probabilities": None, **lengths, "reason": self.problem}
        probabilities = dict(zip(label_names, map(float, self.probabilities), strict=True))
        if self.unsure:
            return {"label": None, "unsure": True, "probabilities": probabilities, **lengths}
        said = self.task.decided_names(self.probabilities, label_names)
        return {
            **self.task.said_to_dict(said, self.task.all_cuts(len(label_names)), label_names),
            "probabilities": probabilities,
            **lengths,
        }


class TextModel(Protocol):
    """What reads texts and gives probabilities, however it computes."""

    label_names: tuple[str, ...]
    task: Task
    repairs: tuple[str, ...]
    answer_from: float | None

    @property
    def max_length(self) -> int:
        """Tokens that are read of a text, including special ones."""
        ...

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Of each clean text: all its tokens, and those that inform the model, which are neither special nor unknown."""
        ...

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Shape (len(texts), classes), float32; the texts are clean and repaired."""
        ...


def predict_texts(model: TextModel, texts: Sequence[str], *, max_chars: int | None = None) -> list[Prediction]:
    """The prediction for each text, after the repairs of the model's training rows.

    Of a text that is still longer than ``max_chars`` after them only the beginning is read; it then counts as cut.
    """
    found = [read_text(text, model.repairs, max_chars) for text in texts]
    read = [each.text for each in found]
    token_counts = model.count_tokens(read)
    readable = [i for i, (_, known) in enumerate(token_counts) if known]
    probabilities = dict(zip(readable, model.probabilities([read[i] for i in readable]), strict=True))
    return [
        Prediction(
            text=read[i],
            repaired=found[i].repaired,
            probabilities=probabilities.get(i),
            tokens=tokens,
            tokens_read=min(tokens, model.max_length),
            cut=tokens > model.max_length or found[i].cut,
            problem="" if i in probabilities else _problem(read[i]),
            task=model.task,
            answer_from=model.answer_from,
        )
        for i, (tokens, _) in enumerate(token_counts)
    ]


class Predictor:
    """A loaded model folder. Safe to call from several threads: it holds no state between calls."""

    def __init__(self, folder: Path, *, device: str = "cpu") -> None:
        """Raises UserError if the folder holds no model that may be loaded, or one for another task than those of task.py."""
        check_folder(folder)
        load_libraries()
        from transformers import AutoTokenizer

        from trainer.training.classifier import load_saved_classifier

        try:
            self._tokenizer = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
            try_tokenizer(self._tokenizer)
            self._model = load_saved_classifier(folder)
        except UserError:
            raise
        except BaseException as error:
            if not is_failure(error):
                raise
            raise ModelError(
                f"The model in {folder.parent.name}/{folder.name} could not be loaded; a file is missing or damaged. Train it again.",
                code="model_damaged",
            ) from error
        config = self._model.config
        answers = read_answers(folder, config.to_dict())
        self.label_names, self.task, self.scored_task = answers.label_names, answers.answering, answers.task
        self.repairs, self.answer_from = answers.repairs, answers.answer_from
        _check_consistency(folder, self._tokenizer, self._model)
        # A folder from elsewhere may name no maximum length, or one beyond the model's positions.
        self._tokenizer.model_max_length = min(self._tokenizer.model_max_length, max_tokens_of(config))
        self._model.eval().requires_grad_(False).to(device)
        self._device = device
        # A tokenizer keeps its truncation as state between two calls, which other threads must not change meanwhile.
        self._tokenizer_lock = threading.Lock()

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer, for a caller that is alone with this predictor: it keeps its truncation as state between two calls."""
        return self._tokenizer

    @property
    def model(self) -> Any:
        """The loaded model, in float32 and for inference only."""
        return self._model

    @property
    def max_length(self) -> int:
        """Tokens that are read of a text, including special ones."""
        return int(self._tokenizer.model_max_length)

    def predict(self, texts: Sequence[str], *, max_chars: int | None = None) -> list[Prediction]:
        """As ``predict_texts``."""
        return predict_texts(self, texts, max_chars=max_chars)

    def probabilities(
        self, texts: Sequence[str], *, batch_size: int = 64, on_progress: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """Shape (len(texts), classes), float32, each row summing to 1; texts and ``on_progress`` as for ``logits``."""
        return self.task.probabilities(self.logits(texts, batch_size=batch_size, on_progress=on_progress))

    def logits(self, texts: Sequence[str], *, batch_size: int = 64, on_progress: Callable[[float], None] | None = None) -> np.ndarray:
        """Shape (len(texts), classes), float32; ``on_progress`` is called with the fraction (0..1) that is ready.

        The texts must be clean and repaired, like those of a run's rows.
        """
        return self._rows_of(lambda batch: self._model(**batch).logits, len(self.label_names), texts, batch_size, on_progress)

    def vectors(self, texts: Sequence[str], *, batch_size: int = 64, on_progress: Callable[[float], None] | None = None) -> np.ndarray:
        """What the model's last layer reads of each text, of length 1: shape (len(texts), size), float32; texts and ``on_progress`` as for ``logits``.

        The more alike two texts are to the model, the larger is the product of their vectors (their cosine). Raises UserError ``no_vectors`` for
        a model without such a layer.
        """
        from trainer.training.vectors import pooled_vectors, vector_size

        size = vector_size(self._model)
        return self._rows_of(lambda batch: pooled_vectors(self._model, batch), size, texts, batch_size, on_progress)

    def _rows_of(
        self, compute: Callable[[Any], Any], size: int, texts: Sequence[str], batch_size: int, on_progress: Callable[[float], None] | None
    ) -> np.ndarray:
        """What ``compute`` makes of the texts, batch by batch: shape (len(texts), size), float32."""
        import torch

        encodable = [replace_surrogates(text) for text in texts]
        rows = np.zeros((len(encodable), size), dtype=np.float32)
        # Batches of similar lengths need little padding.
        order = sorted(range(len(encodable)), key=lambda i: len(encodable[i]))
        for start in range(0, len(order), batch_size):
            batch_rows = order[start : start + batch_size]
            with self._tokenizer_lock:
                batch = self._tokenizer([encodable[i] for i in batch_rows], truncation=True, padding=True, return_tensors="pt").to(
                    self._device
                )
            with torch.inference_mode():
                rows[batch_rows] = compute(batch).float().cpu().numpy()
            if on_progress is not None:
                on_progress((start + len(batch_rows)) / len(order))
        return rows

    def attribute(self, text: str, label: str, *, max_chars: int | None = None) -> "Attribution":
        """How much each word of a raw text speaks for a label, after the repairs of the model's training rows (see attributions.py).

        Raises UserError ``label_not_learnt`` for a label that the model does not know, and ``no_attribution`` if its tokenizer tells no places.
        """
        from trainer.training.attributions import attribute_words, tokenize_with_places

        if label not in self.label_names:
            raise ModelError(
                f"The model has no label {quote_names([label])}. Labels: {quote_names(self.label_names)}.", code="label_not_learnt"
            )
        read = replace_surrogates(read_text(text, self.repairs, max_chars).text)
        with self._tokenizer_lock:
            encoded = tokenize_with_places(self._tokenizer, read)
        padding_id = self._tokenizer.pad_token_id or 0
        return attribute_words(self._model, read, encoded, self.label_names.index(label), padding_id=padding_id)

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Of each clean text: all its tokens, and those that inform the model, which are neither special nor unknown."""
        if not texts:
            return []
        with self._tokenizer_lock:
            encoded = self._tokenizer(list(texts), truncation=False, return_special_tokens_mask=True)
        unknown = self._tokenizer.unk_token_id
        return [
            (len(ids), sum(not special and token != unknown for token, special in zip(ids, mask, strict=True)))
            for ids, mask in zip(encoded["input_ids"], encoded["special_tokens_mask"], strict=True)
        ]


def _check_consistency(folder: Path, tokenizer: Any, model: Any) -> None:
    """Refuse a model that would predict at random or fail on some text: no vocabulary, another model's vocabulary, weights that are not finite."""
    from trainer.training.classifier import encoder_of

    if lacks_vocabulary(tokenizer):
        raise damaged_model(folder, "it has no tokenizer, so every word would be unknown to it")
    if max(tokenizer.get_vocab().values()) >= encoder_of(model).get_input_embeddings().num_embeddings:
        raise damaged_model(folder, "its tokenizer has more tokens than its model knows; it belongs to another model")
    if not has_finite_weights(model):
        raise damaged_model(folder, "some of its weights are not numbers")


def _problem(text: str) -> str:
    if not text:
        return "The text is empty, so there is nothing to judge. Type a word or more."
    return "The encoder cannot read any character of this text, so there is nothing to judge. Write it in words."
