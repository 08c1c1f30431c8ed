"""OnnxPredictor: an exported model that predicts the labels of texts with ONNX Runtime and tokenizers alone; neither torch nor transformers is loaded."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from trainer.training.answers import read_answers
from trainer.training.export.exported import Tokens
from trainer.training.predictor import Prediction, predict_texts
from trainer.training.temperature import read_config
from trainer.training.tokens import replace_surrogates


class OnnxPredictor:
    """The exported model of a folder. Safe to call from several threads: it holds no state between calls."""

    def __init__(self, model_folder: Path, file: Path, tokens: Tokens, label_names: Sequence[str]) -> None:
        """``file`` is the exported model; the tokenizer and what is known of the labels are in the folder of the saved one. Raises UserError ``model_damaged``, and what ONNX Runtime raises for a file that is no model."""
        import onnxruntime
        from tokenizers import Tokenizer

        answers = read_answers(model_folder, {"id2label": dict(enumerate(label_names))} | read_config(model_folder))
        self.label_names, self.task = answers.label_names, answers.answering
        self.repairs, self.answer_from = answers.repairs, answers.answer_from
        self._tokens = tokens
        self._whole = Tokenizer.from_file(str(model_folder / "tokenizer.json"))
        self._whole.no_truncation()
        self._whole.no_padding()
        self._cut = Tokenizer.from_str(self._whole.to_str())
        self._cut.enable_truncation(tokens.max_length)
        options = onnxruntime.SessionOptions()
        # Idle threads that spin slow down everything else on a machine with two cores.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.inputs = [value.name for value in self._session.get_inputs()]

    @property
    def max_length(self) -> int:
        """Tokens that are read of a text, including special ones."""
        return self._tokens.max_length

    def predict(self, texts: Sequence[str], *, max_chars: int | None = None) -> list[Prediction]:
        """As ``predict_texts``."""
        return predict_texts(self, texts, max_chars=max_chars)

    def probabilities(
        self, texts: Sequence[str], *, batch_size: int = 32, on_progress: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """Shape (len(texts), classes), float32, each row summing to 1; the texts are clean and repaired. ``on_progress`` is called with the
        fraction (0..1) that is ready."""
        encoded = self._cut.encode_batch([replace_surrogates(text) for text in texts])
        logits = np.zeros((len(texts), len(self.label_names)), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda number: len(encoded[number].ids))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            logits[batch] = self.logits([encoded[number].ids for number in batch], [encoded[number].type_ids for number in batch])
            if on_progress is not None:
                on_progress((start + len(batch)) / len(order))
        return self.task.probabilities(logits)

    def logits(self, ids: Sequence[Sequence[int]], type_ids: Sequence[Sequence[int]] | None = None) -> np.ndarray:
        """Logits (n, classes), float32, of n texts whose tokens are given; they are padded to the longest. Without ``type_ids`` all are 0."""
        shape = (len(ids), max(map(len, ids)))
        padded = {"input_ids": np.full(shape, self._tokens.padding, np.int64)}
        padded |= {name: np.zeros(shape, np.int64) for name in ("attention_mask", "token_type_ids")}
        for row, tokens in enumerate(ids):
            padded["input_ids"][row, : len(tokens)] = tokens
            padded["attention_mask"][row, : len(tokens)] = 1
            if type_ids is not None:
                padded["token_type_ids"][row, : len(tokens)] = type_ids[row]
        return self._session.run(["logits"], {name: padded[name] for name in self.inputs})[0]

    def count_tokens(self, texts: Sequence[str]) -> list[tuple[int, int]]:
        """Of each clean text: all its tokens, and those that inform the model, which are neither special nor unknown."""
        unknown = self._tokens.unknown
        return [
            (len(encoded.ids), sum(not special and token != unknown for token, special in _tokens_of(encoded)))
            for encoded in self._whole.encode_batch([replace_surrogates(text) for text in texts])
        ]


def _tokens_of(encoded: object) -> zip:
    return zip(encoded.ids, encoded.special_tokens_mask, strict=True)
