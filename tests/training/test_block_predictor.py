"""Many texts at once get the labels that one text gets."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from trainer.errors import UserError
from trainer.training.block_predictor import BlockPredictor, choose_engine, evenly_spaced
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.predictor import Predictor

TEXTS = ["happy today", "", "we cry and cry " * 40, "unknown wörds 🫠", "rage", " \t ", "a" * 3000, "\ud800 happy", "🫠", *(f"so happy {'and glad ' * (n % 17)}" for n in range(90))]  # fmt: skip
FP32 = Hardware("cpu", "fp32", 1, "1 CPU core")
BF16 = Hardware("cpu", "bf16", 1, "1 CPU core")


@pytest.fixture(scope="module")
def predictor(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("model") / "model"
    load_classifier(tiny_encoder, ("joy", "sadness", "anger")).save_pretrained(folder)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(folder)
    return Predictor(folder)


def test_exactly_what_is_predicted_one_by_one(predictor: Predictor) -> None:
    reported: list[float] = []
    block = BlockPredictor(predictor, FP32).label(TEXTS, max_chars=2000, on_progress=reported.append)
    for position, expected in enumerate(predictor.predict(TEXTS, max_chars=2000)):
        assert block.readable[position] == (expected.probabilities is not None), TEXTS[position]
        if expected.probabilities is not None:
            assert block.probabilities[position] == pytest.approx(expected.probabilities, abs=1e-6)
            assert block.cut[position] == expected.cut, TEXTS[position]
    assert reported == sorted(reported)
    assert reported[-1] == 1.0
    assert BlockPredictor(predictor, FP32).label([]).probabilities.shape == (0, 3)


def test_16_bits_are_chosen_if_they_say_the_same(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = choose_engine(predictor, BF16, TEXTS)
    exact, short = (BlockPredictor(predictor, BF16, engine).label(TEXTS) for engine in ("torch", "16-bit"))
    assert np.nanmax(np.abs(exact.probabilities - short.probabilities)) > 0
    assert (choice.engine, choice.agreement) == ("16-bit", 1.0)
    assert "got the label of the saved model" in choice.reason
    assert all(weight.dtype == torch.float32 for weight in predictor.model.parameters())
    monkeypatch.setattr("trainer.training.block_predictor._MIN_AGREEMENT", {"16-bit": 1.01})
    assert choose_engine(predictor, BF16, TEXTS).engine == "torch"
    assert choose_engine(predictor, FP32, TEXTS).agreement is None


def test_an_answer_that_16_bits_make_unsure_counts_as_another(predictor: Predictor, monkeypatch: pytest.MonkeyPatch) -> None:
    exact, short = (BlockPredictor(predictor, BF16, engine).label(TEXTS).probabilities.max(axis=1) for engine in ("torch", "16-bit"))
    row = int(np.nanargmax(np.abs(exact - short)))
    monkeypatch.setattr(predictor, "answer_from", (float(exact[row]) + float(short[row])) / 2)
    choice = choose_engine(predictor, BF16, TEXTS)
    assert (choice.engine, choice.agreement < 1) == ("torch", True)
    assert "got what the saved model says, unsure or not" in choice.reason


def test_rows_from_all_over_a_file() -> None:
    assert evenly_spaced(3) == [0, 1, 2]
    spaced = evenly_spaced(1000, 10)
    assert spaced == list(range(0, 1000, 100))


class Exported:
    """An exported model that answers as the saved one does, or with ``noise`` on its logits."""

    def __init__(self, predictor: Predictor, noise: float = 0.0) -> None:
        self._predictor, self._noise = predictor, noise

    def logits(self, ids: list[list[int]], types: list[list[int]] | None = None) -> np.ndarray:
        batch = self._predictor.tokenizer.pad({"input_ids": ids, "token_type_ids": types}, return_tensors="pt")
        logits = self._predictor.model(**batch).logits.numpy()
        return logits + self._noise * np.random.default_rng(0).standard_normal(logits.shape).astype(np.float32)


def clock_with(**seconds: float) -> Callable[[], float]:
    """A clock that is read before and after each engine, which take these seconds, in this order."""
    times, now = [], 0.0
    for taken in seconds.values():
        times += [now, now := now + taken]
    return iter(times).__next__


def test_the_fastest_engine_is_chosen_of_those_that_say_the_same(predictor: Predictor) -> None:
    onnx = {"onnx": Exported(predictor), "onnx-int8": Exported(predictor, 0.001)}
    block = BlockPredictor(predictor, FP32, "onnx", onnx=onnx).label(TEXTS)
    assert block.probabilities == pytest.approx(BlockPredictor(predictor, FP32).label(TEXTS).probabilities, abs=1e-6, nan_ok=True)
    choice = choose_engine(predictor, FP32, TEXTS, onnx=onnx, clock=clock_with(torch=3, onnx=2, int8=1))
    assert choice.engine == "onnx-int8"
    assert "by ONNX Runtime, in 8 bits, which is faster here" in choice.reason
    assert choose_engine(predictor, FP32, TEXTS, onnx=onnx, clock=clock_with(torch=1, onnx=2, int8=3)).engine == "torch"
    poor = {"onnx": Exported(predictor), "onnx-int8": Exported(predictor, 50.0)}
    assert choose_engine(predictor, FP32, TEXTS, onnx=poor, clock=clock_with(torch=3, onnx=2)).engine == "onnx"
    nothing = choose_engine(predictor, FP32, TEXTS, onnx={"onnx-int8": Exported(predictor, 50.0)})
    assert (nothing.engine, nothing.agreement < 0.98) == ("torch", True)
    with pytest.raises(UserError, match="not exported"):
        BlockPredictor(predictor, FP32, "onnx")
