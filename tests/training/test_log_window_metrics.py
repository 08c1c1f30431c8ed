"""What training texts were answered between two points of the charts: the loss that validation is scored by, over all of them."""

from collections.abc import Callable

import pytest
import torch

from trainer.runs.run import Run
from trainer.training.log_window_metrics import TrainingMetrics, TrainingScores
from trainer.training.losses import TrainingLoss

CPU = torch.device("cpu")


def answers(texts: int = 10, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(0)
    return torch.randn(texts, classes, generator=source), torch.randint(0, classes, (texts,), generator=source)


def test_it_gives_the_means_over_the_texts_and_not_over_the_batches() -> None:
    (logits, labels), metrics = answers(), TrainingMetrics(CPU, measure_loss=True)
    for part in (slice(0, 7), slice(7, 9), slice(9, 10)):
        metrics.update(logits[part], labels[part])
    scores = metrics.compute_and_reset()
    assert scores.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-6)
    assert scores.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())


def test_taking_begins_anew() -> None:
    (logits, labels), metrics = answers(), TrainingMetrics(CPU, measure_loss=True)
    assert metrics.compute_and_reset() == TrainingScores(None, None)
    metrics.update(logits[:5], labels[:5])
    metrics.compute_and_reset()
    metrics.update(logits[5:], labels[5:])
    assert metrics.compute_and_reset().loss == pytest.approx(torch.nn.functional.cross_entropy(logits[5:], labels[5:]).item(), rel=1e-6)


def test_where_the_plain_loss_is_minimised_it_is_not_computed_twice() -> None:
    metrics = TrainingMetrics(CPU, measure_loss=False)
    metrics.update(*answers())
    assert metrics.compute_and_reset().loss is None


def test_half_precision_is_summed_in_full() -> None:
    (logits, labels), metrics = answers(4000), TrainingMetrics(CPU, measure_loss=True)
    metrics.update(logits.half(), labels)
    assert metrics.compute_and_reset().loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-3)


def test_several_processes_give_the_means_over_all_their_texts() -> None:
    (logits, labels), process_metrics = answers(), [TrainingMetrics(CPU, measure_loss=True) for _ in range(2)]
    for metrics, part in zip(process_metrics, (slice(0, 6), slice(6, 10)), strict=True):
        metrics.update(logits[part], labels[part])
    sent: list[torch.Tensor] = []
    process_metrics[1].compute_and_reset(lambda sums: sent.append(sums) or sums)
    scores = process_metrics[0].compute_and_reset(lambda sums: sums + sent[0])
    assert scores.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-6)
    assert scores.accuracy == pytest.approx((logits.argmax(1) == labels).float().mean().item())


# In a real training

OTHER_LOSSES = {"label_smoothing": 0.4, "class_weights": "balanced"}


def logged(run: Run) -> list[dict]:
    return [e for e in run.log.read() if e.type == "log"]


def test_the_loss_that_is_shown_is_that_of_validation_whatever_is_minimised(
    trained_with: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch
) -> None:
    minimise, batches = TrainingLoss.__call__, []

    def watched(self: TrainingLoss, logits: torch.Tensor, labels: torch.Tensor, *, texts: torch.Tensor) -> torch.Tensor:
        batches.append((torch.nn.functional.cross_entropy(logits.detach().float(), labels, reduction="none"), int(texts)))
        return minimise(self, logits, labels, texts=texts)

    monkeypatch.setattr(TrainingLoss, "__call__", watched)
    run, _ = trained_with(**OTHER_LOSSES, gradient_accumulation=2, log_every=3)
    losses: dict[int, list[float]] = {}
    step, left = 1, 0
    for values, texts in batches:
        left = (left or texts) - len(values)
        losses.setdefault(step, []).extend(values.tolist())
        step += left == 0
    last = 0
    for event in logged(run):
        window = [v for s in range(last + 1, event.step + 1) for v in losses[s]]
        assert event.loss == pytest.approx(sum(window) / len(window), abs=2e-6)
        assert event.train_objective != event.loss
        last = event.step
    assert last == max(losses)


@pytest.mark.parametrize("accumulation", [1, 2])
def test_without_smoothing_and_weights_there_is_one_loss(trained_with: Callable[..., tuple], accumulation: int) -> None:
    run, _ = trained_with(label_smoothing=0.0, gradient_accumulation=accumulation, epochs=1)
    assert all(event.train_objective is None and event.loss > 0 for event in logged(run))


def test_measuring_the_loss_changes_no_weight(trained_with: Callable[..., tuple], monkeypatch: pytest.MonkeyPatch) -> None:
    measured = (trained_with(**OTHER_LOSSES)[0].model / "model.safetensors").read_bytes()
    make = TrainingMetrics.__init__
    monkeypatch.setattr(TrainingMetrics, "__init__", lambda self, device, *, measure_loss, task: make(self, device, measure_loss=False))
    run, _ = trained_with(**OTHER_LOSSES)
    assert (run.model / "model.safetensors").read_bytes() == measured
    assert all(event.train_objective is None for event in logged(run))


def test_a_perfect_model_reaches_no_loss_with_smoothing_too(trained_with: Callable[..., tuple]) -> None:
    """Smoothed by 0.3 over three classes the loss cannot fall under 0.63; the loss that is shown does."""
    run, _ = trained_with(label_smoothing=0.3, epochs=15, learning_rate=5e-3)
    last = logged(run)[-10:]
    assert min(e.train_objective for e in last) > 0.62
    assert sum(e.loss for e in last) / 10 < 0.45
