"""Labels many texts with a saved model, quickly: blocks sorted by tokens, in 16 bits or with ONNX Runtime where that is fast and says the same.

The scores of a run never come from here, but from ``Predictor``, which computes as the saved model does.
"""

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from trainer.data.checks.repairs import read_text
from trainer.errors import RunError
from trainer.training.hardware import Hardware
from trainer.training.predictor import Predictor
from trainer.training.tokens import replace_surrogates

if TYPE_CHECKING:
    import torch

    from trainer.training.export.exported import OnnxEngine
    from trainer.training.export.onnx_predictor import OnnxPredictor

    OnnxPredictors = Mapping[OnnxEngine, OnnxPredictor]

Engine = Literal["torch", "16-bit", "onnx", "onnx-int8"]
"""torch computes as the saved model does, in 32 bits."""

COMPARED_TEXTS = 300
"""How many texts both engines label before one is chosen."""
_MIN_AGREEMENT = {"16-bit": 0.995, "onnx": 0.995, "onnx-int8": 0.98}
_TIMED_TEXTS = 100
"""Of the compared ones, for the time that each engine takes once it is warm."""
_DONE_BY = {
    "torch": "as the saved model does, in 32 bits",
    "16-bit": "in 16 bits",
    "onnx": "by ONNX Runtime, in 32 bits",
    "onnx-int8": "by ONNX Runtime, in 8 bits",
}
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
    """``engine``, and why, as a sentence for people. ``agreement``: the share of compared texts for which it says what the saved model says, if
    it was compared."""

    engine: Engine
    reason: str
    agreement: float | None = None


class BlockPredictor:
    """A model with one way of computing. Draws no random numbers; the same block of texts gives the same numbers."""

    def __init__(self, predictor: Predictor, hardware: Hardware, engine: Engine = "torch", *, onnx: "OnnxPredictors | None" = None) -> None:
        """``onnx`` has the exported models by engine; raises UserError ``no_exports`` if the engine is not among them."""
        self._predictor = predictor
        self._device = hardware.device
        self._onnx = (onnx or {}).get(engine)
        if engine in ("onnx", "onnx-int8") and self._onnx is None:
            raise RunError("This model is not exported to ONNX, or its export is damaged. Export it first.", code="no_exports")
        self._model = None if self._onnx is not None else _in_16_bits(predictor, hardware) if engine == "16-bit" else _in_32_bits(predictor)

    def label(
        self, texts: Sequence[str], *, max_chars: int | None = None, on_progress: Callable[[float], None] | None = None
    ) -> LabelledBlock:
        """What the model says of each text, after the repairs of its training rows; ``on_progress`` is called with the fraction (0..1) that is ready.

        Of a text that is still longer than ``max_chars`` after them only the beginning is read.
        """
        predictor = self._predictor
        read = [read_text(text, predictor.repairs, max_chars) for text in texts]
        rows, cut = self._tokenize([replace_surrogates(each.text) for each in read])
        cut |= np.array([each.cut for each in read], dtype=bool)
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
        if self._onnx is not None:
            types = [row["token_type_ids"] for row in rows] if "token_type_ids" in rows[0] else None
            return self._predictor.task.probabilities(self._onnx.logits([row["input_ids"] for row in rows], types))
        import torch

        from trainer.training.batching import PaddingCollator

        batch = {name: tensor.to(self._device) for name, tensor in PaddingCollator(self._predictor.tokenizer)(rows).items()}
        with torch.inference_mode():
            logits = self._model(**batch).logits
        return self._predictor.task.probabilities(logits.float().cpu().numpy())


def choose_engine(
    predictor: Predictor,
    hardware: Hardware,
    texts: Sequence[str],
    *,
    max_chars: int | None = None,
    onnx: "OnnxPredictors | None" = None,
    clock: Callable[[], float] = time.perf_counter,
) -> EngineChoice:
    """The fastest engine of those that say of these texts what the saved model says, unsure included: 16 bits where this machine has them, and
    the exported models that are given, if it is faster with them."""
    others: list[Engine] = [] if hardware.precision == "fp32" else ["16-bit"]
    others += [] if onnx is None or hardware.device != "cpu" else list(onnx)
    if not others:
        return EngineChoice("torch", f"Computed as the saved model does, in 32 bits: this machine ({hardware.name}) is not faster in 16.")
    engines = {engine: BlockPredictor(predictor, hardware, engine, onnx=onnx) for engine in ("torch", *others)}
    blocks = {engine: each.label(texts, max_chars=max_chars).probabilities for engine, each in engines.items()}
    readable = ~np.isnan(blocks["torch"]).any(axis=1)
    if not readable.any():
        return EngineChoice("torch", "Computed as the saved model does, in 32 bits.")
    compared = {engine: _compare(predictor, engine, blocks["torch"][readable], blocks[engine][readable]) for engine in others}
    good = [engine for engine in others if compared[engine].is_good]
    if not good:
        best = max(compared.values(), key=lambda each: each.agreement)
        reason = f"Computed as the saved model does, in 32 bits, because {best.short}."
        return EngineChoice("torch", reason, best.agreement)
    chosen = good[0]
    if onnx:
        # Without an export there is nothing to measure: a machine that has 16 bits is faster in them.
        seconds = _timed({engine: engines[engine] for engine in ("torch", *good)}, texts[:_TIMED_TEXTS], max_chars, clock)
        chosen = min(seconds, key=seconds.__getitem__)
    if chosen == "torch":
        return EngineChoice("torch", "Computed as the saved model does, in 32 bits, which was the fastest here.")
    return EngineChoice(chosen, f"Computed {_DONE_BY[chosen]}, which is faster here: {compared[chosen].long}.", compared[chosen].agreement)


@dataclass(frozen=True)
class _Compared:
    """What an engine says beside the saved model: the share of texts of which it says the same, whether that is enough, and both in words."""

    agreement: float
    is_good: bool
    long: str
    short: str


def _compare(predictor: Predictor, engine: Engine, saved: np.ndarray, found: np.ndarray) -> _Compared:
    task, said = predictor.task, "the label of the saved model"
    same = (task.decide(saved) == task.decide(found)).reshape(len(saved), -1).all(axis=1)
    if predictor.answer_from is not None:
        chosen = (task.confidence(p).astype(float) for p in (saved, found))
        same &= np.equal(*(confidence < predictor.answer_from for confidence in chosen))
        said = "what the saved model says, unsure or not"
    agreement, difference = float(same.mean()), float(np.abs(saved - found).max())
    of_texts = f"of {len(same):,} texts that were compared"
    return _Compared(
        agreement,
        agreement >= _MIN_AGREEMENT[engine] and bool(np.isfinite(found).all()),
        f"{of_texts}, {int(same.sum()):,} got {said}, and no probability differed by more than {difference:.4f}",
        f"{_DONE_BY[engine]} only {int(same.sum()):,} {of_texts} got {said}",
    )


def _timed(
    engines: Mapping[Engine, BlockPredictor], texts: Sequence[str], max_chars: int | None, clock: Callable[[], float]
) -> dict[Engine, float]:
    """The seconds that each engine takes, by turns; all have worked before."""
    seconds = {}
    for engine, each in engines.items():
        started = clock()
        each.label(texts, max_chars=max_chars)
        seconds[engine] = clock() - started
    return seconds


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


def _in_32_bits(predictor: Predictor) -> "torch.nn.Module":
    from trainer.training.first_token import with_first_token_alone

    return with_first_token_alone(predictor.model)


def _in_16_bits(predictor: Predictor, hardware: Hardware) -> "torch.nn.Module":
    import torch

    from trainer.training.classifier import encoder_of
    from trainer.training.first_token import compute_first_token_alone

    model = copy.deepcopy(predictor.model).to(torch.float16 if hardware.precision == "fp16" else torch.bfloat16)
    body = encoder_of(model)
    if hardware.device == "cpu" and predictor.max_length <= _SHORT_TOKENS and hasattr(body, "set_attn_implementation"):
        body.set_attn_implementation("eager")
    compute_first_token_alone(model)
    return model.eval()
