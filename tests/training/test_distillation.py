"""What linear models say of texts from which they have not learned, as a part of the targets of a training."""

import numpy as np
import pytest

from tests.training.test_recipe_settings import Train, events
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.errors import UserError
from trainer.training import distillation
from trainer.training.attempt import TrainingCancelled
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.heads import PooledClassifier
from trainer.training.tokenized_dataset import TokenizedDataset

CORE = Hardware("cpu", "fp32", 1, "a core")
SIZE = 8


def taught(
    labels: np.ndarray,
    features: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    *,
    task: Task = SINGLE_LABEL,
    tokens: np.ndarray | None = None,
    stop_after: int = 10**6,
) -> TokenizedDataset | None:
    """Rows with these labels, of which the encoder makes these vectors, with their teacher; a stop is requested after so many questions."""
    from transformers import BertConfig, BertModel

    classes = int(labels.max()) + 1 if labels.ndim == 1 else labels.shape[1]
    config = BertConfig(
        vocab_size=8, hidden_size=SIZE, num_hidden_layers=1, num_attention_heads=1, num_labels=classes, problem_type=task.key
    )
    model = PooledClassifier(BertModel(config), head="pooler", pooling="normalized_mean")
    monkeypatch.setattr(distillation, "embed", lambda *_, **__: features.astype(np.float32))
    n, asked = len(labels), iter(range(stop_after))
    rows = TokenizedDataset(
        {"input_ids": (np.arange(n) if tokens is None else tokens).astype(np.uint16)}, np.arange(n), np.ones(n, dtype=np.int32), labels
    )
    return distillation.with_teacher(model, rows, None, CORE, is_stop_requested=lambda: next(asked, None) is None)


def clusters(labels: np.ndarray, *, noise: float = 0.05) -> np.ndarray:
    vectors = np.eye(SIZE)[labels] + noise * np.random.default_rng(1).standard_normal((len(labels), SIZE))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_a_wrong_label_does_not_teach_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    right = np.arange(60, dtype=np.int32) % 3
    features, wrong = clusters(right), right.copy()
    wrong[:6] = (right[:6] + 1) % 3
    rows = taught(wrong, features, monkeypatch)
    assert rows.teacher.shape == (60, 3)
    assert rows.teacher.sum(1) == pytest.approx(np.ones(60), abs=1e-5)
    assert (rows.teacher.argmax(1) == right).all()
    assert (rows.labels == wrong).all()
    assert rows.teacher.tobytes() == taught(wrong, features, monkeypatch).teacher.tobytes()


def test_a_wrong_label_that_was_copied_does_not_confirm_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    right = np.arange(60, dtype=np.int32) % 3
    features, wrong, tokens = clusters(right), right.copy(), np.arange(60)
    # Far away from all others, four times the same text.
    features[:4], tokens[:4], wrong[:4] = np.eye(SIZE)[5], 0, 2
    copied, single = taught(wrong, features, monkeypatch, tokens=tokens), taught(wrong, features, monkeypatch)
    assert copied.teacher[:4, 2].max() < 0.5 < single.teacher[:4, 2].min()


def test_each_of_several_labels_is_taught(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = np.arange(80) % 2, np.arange(80) // 2 % 2
    features = np.zeros((80, SIZE))
    features[:, 0], features[:, 1] = 2 * first - 1, 2 * second - 1
    labels = np.stack([first, second], axis=1).astype(np.float32)
    rows = taught(labels, features / np.sqrt(2), monkeypatch, task=SEVERAL_LABELS)
    assert ((rows.teacher > 0.5) == labels).all()


@pytest.mark.parametrize("labels", [[0, 1], [0, 0, 1], [0, 1, 2, 3]])
def test_as_few_rows_as_classes_have_a_teacher_too(labels: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    rows = taught(np.array(labels, dtype=np.int32), clusters(np.array(labels)), monkeypatch)
    assert np.isfinite(rows.teacher).all()
    assert rows.teacher.sum(1) == pytest.approx(np.ones(len(labels)), abs=1e-5)


def test_a_stop_is_noticed_between_two_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(60, dtype=np.int32) % 3
    assert taught(labels, clusters(labels), monkeypatch, stop_after=9) is None


def test_rows_keep_their_teacher_in_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = np.arange(30, dtype=np.int32) % 3
    rows = taught(labels, clusters(labels), monkeypatch)
    turned = rows.ordered(np.arange(30)[::-1])
    assert (turned[0]["teacher"] == rows[29]["teacher"]).all()
    assert (turned[0]["labels"], turned[0]["teacher"].dtype) == (rows[29]["labels"], np.float32)


def test_a_training_learns_from_it_and_shows_the_plain_loss(trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    plain, _ = trained_with(label_smoothing=0.0)
    distilled, _ = trained_with(label_smoothing=0.0, distillation=0.5)
    first = events(distilled, "log")[0]
    # The first step starts from the same weights: only the minimized loss differs.
    assert first.loss == pytest.approx(events(plain, "log")[0].loss, abs=1e-6)
    assert first.train_objective != pytest.approx(first.loss, abs=1e-4)
    assert (distilled.model / "model.safetensors").read_bytes() != (plain.model / "model.safetensors").read_bytes()


def test_a_stop_meanwhile_ends_the_training_before_its_first_step(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distillation, "with_teacher", lambda *_, **__: None)
    with pytest.raises(TrainingCancelled):
        trained_with(distillation=0.3)


@pytest.mark.parametrize("method", ["frozen", "contrastive"])
def test_other_methods_have_no_teacher(method: str, trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(distillation, "with_teacher")
    run, _ = trained_with(method=method, distillation=0.3)
    assert events(run, "eval")
    assert run.resolved_recipe().distillation == 0.0


def test_running_out_of_memory_is_said_in_words(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_large(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(distillation, "with_teacher", too_large)
    with pytest.raises(UserError, match="Set the distillation to 0") as refused:
        trained_with(distillation=0.3)
    assert refused.value.code == "out_of_memory"


def test_an_encoder_of_the_first_token_has_one_if_a_person_asks(trained_with: Train, tiny_encoder: Encoder) -> None:
    assert tiny_encoder.pooling == "cls"
    run, _ = trained_with(distillation=0.3)
    assert "asking linear models about each text" in [phase.what for phase in events(run, "phase")]
