"""Labels many texts with a saved model, quickly: blocks sorted by tokens, in 16 bits where that is fast and says the same.

The scores of a run never come from here, but from ``Predictor``, which computes as the saved model does.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trainer.data.checks.repairs import repair_text
from trainer.data.corpus import clean_text
from trainer.training.hardware import Hardware
from trainer.training.predictor import Predictor
from trainer.training.tokens import replace_surrogates

if TYPE_CHECKING:
    import torch

Engine = Literal["exact", "16-bit"]

COMPARED_TEXTS = 300
"""How many texts both engines label before one is chosen."""
_MIN_AGREEMENT = 0.995
_MAX_ROWS, _MAX_TOKENS = 64, 64 * 96
"""Of a batch: larger ones leave the cache of the processor."""
_SHORT_TOKENS = 128
"""Up to this length plain matrix products beat the fused attention of torch on a CPU."""


@dataclass(frozen=True)
class LabelledBlock:
    """What a model says of n texts. ``probabilities``: float32 (n, classes), NaN where there is nothing to read. ``cut``: bool (n,), whether the
    model missed the end of a text."""

    probabilities: np.ndarray
    cut: np.ndarray

    @property
    def readable(self) -> np.ndarray:
        """Bool (n,): whether there was anything to read."""
        return ~np.isnan(self.probabilities).any(axis=1)


@dataclass(frozen=True)
class EngineChoice:
    """``engine``, and why, as a sentence for people. ``agreement``: the share of compared texts that got the same label in 16 bits, if compared."""

    engine: Engine
    reason: str
    agreement: float | None = None


class BlockPredictor:
    """A model with one way of computing. Draws no random numbers; the same block of texts gives the same numbers."""

    def __init__(self, predictor: Predictor, hardware: Hardware, engine: Engine = "exact") -> None:
        self._predictor = predictor
        self._device = hardware.device
        self._model = predictor.model if engine == "exact" else _in_16_bits(predictor, hardware)

    def label(
        self, texts: Sequence[str], *, max_chars: int | None = None, on_progress: Callable[[float], None] | None = None
    ) -> LabelledBlock:
        """What the model says of each text, after the repairs of its training rows; ``on_progress`` is called with the fraction (0..1) that is ready.

        Of a text longer than ``max_chars`` only the beginning is read.
        """
        predictor = self._predictor
        read = [replace_surrogates(repair_text(clean_text(text[:max_chars]), predictor.repairs)) for text in texts]
        rows, cut = self._tokenize(read)
        if max_chars is not None:
            cut |= np.array([len(text) > max_chars for text in texts], dtype=bool)
        probabilities = np.full((len(texts), len(predictor.label_names)), np.nan, dtype=np.float32)
        readable = [number for number, row in enumerate(rows) if row is not None]
        order = sorted(readable, key=lambda number: len(rows[number]["input_ids"]))
        done = 0
        for batch in _batches(order, [0 if row is None else len(row["input_ids"]) for row in rows]):
            probabilities[batch] = self._probabilities([rows[number] for number in batch])
            done += len(batch)
            if on_progress is not None:
                on_progress(done / len(order))
        cut[[number for number, row in enumerate(rows) if row is None]] = False
        return LabelledBlock(probabilities, cut)

    def _tokenize(self, texts: list[str]) -> tuple[list[dict[str, list[int]] | None], np.ndarray]:
        """The tokens of each text, None for one without any that the model knows; and which texts are longer than the model reads."""
        tokenizer = self._predictor.tokenizer
        if not texts:
            return [], np.zeros(0, dtype=bool)
        encoded = tokenizer(texts, truncation=True, return_special_tokens_mask=True)
        mask = encoded.pop("special_tokens_mask")
        if tokenizer.is_fast:
            cut = np.array([bool(encoding.overflowing) for encoding in encoded.encodings], dtype=bool)
        else:
            cut = np.array([len(ids) > self._predictor.max_length for ids in tokenizer(texts, truncation=False)["input_ids"]], dtype=bool)
        unknown = tokenizer.unk_token_id
        names = list(encoded)
        rows = []
        for number, ids in enumerate(encoded["input_ids"]):
            known = any(not special and token != unknown for token, special in zip(ids, mask[number], strict=True))
            rows.append({name: encoded[name][number] for name in names} if known else None)
        return rows, cut

    def _probabilities(self, rows: list[Any]) -> np.ndarray:
        import torch

        from trainer.training.batching import PaddingCollator

        batch = {name: tensor.to(self._device) for name, tensor in PaddingCollator(self._predictor.tokenizer)(rows).items()}
        with torch.inference_mode():
            logits = self._model(**batch).logits
        return self._predictor.task.probabilities(logits.float().cpu().numpy())


def choose_engine(predictor: Predictor, hardware: Hardware, texts: Sequence[str], *, max_chars: int | None = None) -> EngineChoice:
    """16 bits if this machine computes faster in them and what they say of these texts is what the saved model says, unsure included; else exact."""
    if hardware.precision == "fp32":
        return EngineChoice("exact", f"Computed as the saved model does, in 32 bits: this machine ({hardware.name}) is not faster in 16.")
    blocks = [BlockPredictor(predictor, hardware, engine).label(texts, max_chars=max_chars) for engine in ("exact", "16-bit")]
    readable = blocks[0].readable
    if not readable.any():
        return EngineChoice("exact", "Computed as the saved model does, in 32 bits.")
    exact, short = (block.probabilities[readable] for block in blocks)
    same = (predictor.task.decide(exact) == predictor.task.decide(short)).reshape(len(exact), -1).all(axis=1)
    said = "the label of the saved model"
    if predictor.answer_from is not None:
        chosen = (np.take_along_axis(p, predictor.task.decide(p)[:, None], axis=1)[:, 0].astype(float) for p in (exact, short))
        same &= np.equal(*(confidence < predictor.answer_from for confidence in chosen))
        said = "what the saved model says, unsure or not"
    agreement, difference = float(same.mean()), float(np.abs(exact - short).max())
    compared = f"of {len(same):,} texts that were compared, {int(same.sum()):,} got {said}, and no probability differed by more than {difference:.4f}"
    if agreement < _MIN_AGREEMENT or not np.isfinite(short).all():
        return EngineChoice(
            "exact",
            f"Computed as the saved model does, in 32 bits, because in 16 bits only {int(same.sum()):,} {compared.split(', ', 1)[0]} got {said}.",
            agreement,
        )
    return EngineChoice("16-bit", f"Computed in 16 bits, which is faster here: {compared}.", agreement)


def evenly_spaced(count: int, wanted: int = COMPARED_TEXTS) -> list[int]:
    """Up to ``wanted`` row numbers from all over a file of ``count`` rows."""
    return sorted({number * count // wanted for number in range(wanted)}) if count > wanted else list(range(count))


def _batches(order: Sequence[int], lengths: Sequence[int]) -> Iterator[list[int]]:
    """Consecutive rows of an order by length, together within the limits of a batch."""
    batch: list[int] = []
    for number in order:
        if batch and (len(batch) == _MAX_ROWS or (len(batch) + 1) * lengths[number] > _MAX_TOKENS):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def _in_16_bits(predictor: Predictor, hardware: Hardware) -> "torch.nn.Module":
    import torch

    from trainer.training.classifier import encoder_of

    model = copy.deepcopy(predictor.model).to(torch.float16 if hardware.precision == "fp16" else torch.bfloat16)
    body = encoder_of(model)
    if hardware.device == "cpu" and predictor.max_length <= _SHORT_TOKENS and hasattr(body, "set_attn_implementation"):
        body.set_attn_implementation("eager")
    return model.eval()
