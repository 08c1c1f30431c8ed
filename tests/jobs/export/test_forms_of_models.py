"""What can be exported: heads of ours, mean pooling, added tokens, a temperature, families with other tokenizers; what cannot is refused in words."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.training.tiny_encoders import SENTENCEPIECE, tiny
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.added_tokens import add_tokens
from trainer.training.classifier import build_classifier, encoder_of, save_classifier
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.predictor import Predictor
from trainer.training.temperature import fold_temperature

LABELS = ("joy", "sadness", "anger")
SAID = ["so happy and glad today", "we cry", "rage and hate at home " * 9, "🫠 happy", "so happy 🫠 🫠 and glad"]
Build = Callable[..., Path]


@pytest.fixture
def build(tmp_path: Path) -> Build:
    """A model folder with random weights: a family of encoders, a pooling and a head; with a token of its own, or a temperature."""

    def make(
        family: str, pooling: str = "cls", head: str = "linear", *, added: str = "", temperature: float = 1.0, task: str = SINGLE_LABEL.key
    ) -> Path:
        encoder, folder = tiny(family, tmp_path), tmp_path / "model"
        recipe = Recipe(pooling=pooling, head=head).resolved(train_rows=100, learning_rate=1e-3, pooling=pooling, classes=3)
        model = build_classifier(encoder, LABELS, recipe, find_task(task)).eval()
        tokenizer = load_tokenizer(encoder, max_length=24)
        if added:
            add_tokens(tokenizer, [added])
            encoder_of(model).resize_token_embeddings(len(tokenizer))
        save_classifier(model, folder)
        tokenizer.save_pretrained(folder)
        if temperature != 1:
            assert fold_temperature(folder, temperature)
        return folder

    return make


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("bert", {"pooling": "mean"}),
        ("bert", {"pooling": "mean", "head": "mlp"}),
        ("bert", {"head": "mlp"}),
        ("bert", {"temperature": 1.7}),
        ("bert", {"added": "🫠"}),
        ("roberta", {"pooling": "mean"}),
        ("roberta", {"head": "mlp"}),
        ("distilbert", {}),
        ("electra", {"head": "mlp"}),
        ("albert", {}),
        ("bert", {"pooling": "mean", "head": "mlp", "added": "🫠", "temperature": 1.7, "task": SEVERAL_LABELS.key}),
        *((family, {}) for family in SENTENCEPIECE),
        ("xlm-roberta", {"pooling": "mean", "added": "🫠", "task": SEVERAL_LABELS.key}),
    ],
    ids=str,
)
def test_exports_say_what_the_saved_model_says(build: Build, tmp_path: Path, family: str, options: dict) -> None:
    # Imported here: it takes seconds, which each process would need to collect the tests.
    from trainer.training.export.convert_main import ANSWERS, TEXTS, export_model

    folder, work = build(family, **options), tmp_path / "work"
    work.mkdir()
    (work / TEXTS).write_text(json.dumps(SAID), encoding="utf-8")
    reported: list[float] = []
    made = export_model(folder, work, lambda _, done: reported.append(done))
    expected = Predictor(folder).probabilities(SAID)
    with np.load(work / ANSWERS) as answers:
        assert answers["onnx"] == pytest.approx(expected, abs=1e-4)
        assert answers["onnx-int8"] == pytest.approx(expected, abs=0.05)
    assert tuple(made["label_names"]) == LABELS
    assert reported == sorted(reported)


def test_a_tokenizer_that_exists_only_in_python_is_refused(monkeypatch: pytest.MonkeyPatch, build: Build, tmp_path: Path) -> None:
    from trainer.training.export.convert import convert

    predictor = Predictor(build("bert"))
    monkeypatch.setattr(type(predictor.tokenizer), "is_fast", False)
    with pytest.raises(UserError, match="exists only in Python") as refused:
        convert(predictor, tmp_path, lambda *_: None)
    assert refused.value.code == "no_export"
    assert not list(tmp_path.glob("*.onnx"))
