"""The curves of one run: the values measured while it was trained, as plain data. charts/curves.py and charts/comparison.py draw them."""

from dataclasses import asdict, dataclass
from typing import Any

from trainer.evaluation.metrics import main_score
from trainer.runs.resume_rules import has_epochs
from trainer.runs.view import RunView


@dataclass(frozen=True)
class ReferenceLine:
    """What a training has to beat: the main score of its task in 0..1 on the validation rows, with its name ("most frequent class")."""

    name: str
    score: float


@dataclass(frozen=True)
class RunCurves:
    """The curves of one run.

    ``key`` identifies the run: the reader's zoom survives as long as it stays the same. ``steps``, ``loss`` and ``accuracy`` (training, means
    of each log window) have one length, the four ``eval_`` tuples another. Accuracy (the share of texts with exactly their labels) and macro F1 are in 0..1, losses are the plain loss
    in nats, None means "not measured". ``epoch_steps`` are the last steps of the epochs, ``best_step`` is the step of the kept model and
    ``parent_step`` the last one that was trained in the parent run.
    """

    key: str
    steps: tuple[int, ...] = ()
    loss: tuple[float | None, ...] = ()
    accuracy: tuple[float | None, ...] = ()
    eval_steps: tuple[int, ...] = ()
    eval_loss: tuple[float | None, ...] = ()
    eval_accuracy: tuple[float | None, ...] = ()
    eval_macro_f1: tuple[float | None, ...] = ()
    total_steps: int = 0
    epoch_steps: tuple[int, ...] = ()
    best_step: int | None = None
    parent_step: int | None = None
    reference_lines: tuple[ReferenceLine, ...] = ()
    name: str = ""

    @classmethod
    def from_view(cls, view: RunView, *, name: str = "") -> "RunCurves":
        """The curves of a run; ``name`` labels it in a comparison."""
        return cls(
            key=view.id,
            steps=tuple(p.step for p in view.points),
            loss=tuple(p.loss for p in view.points),
            accuracy=tuple(p.accuracy for p in view.points),
            eval_steps=tuple(e.step for e in view.evaluations),
            eval_loss=tuple(e.loss for e in view.evaluations),
            eval_accuracy=tuple(e.accuracy for e in view.evaluations),
            eval_macro_f1=tuple(e.macro_f1 for e in view.evaluations),
            total_steps=view.total_steps,
            epoch_steps=view.epoch_steps,
            best_step=view.kept.step,
            parent_step=view.parent_step,
            reference_lines=_reference_lines(view),
            name=name,
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON, with the names of the fields."""
        return asdict(self)


def _reference_lines(view: RunView) -> tuple[ReferenceLine, ...]:
    main = main_score(view.task)
    word_counts = () if view.baseline is None else (ReferenceLine("counting words", getattr(view.baseline.validation, main)),)
    # Without steps that model is the one that is trained.
    has_linear = view.linear is not None and has_epochs(view)
    linear = (ReferenceLine("no fine-tuning", getattr(view.linear.validation, main)),) if has_linear else ()
    # Of always predicting the same labels only the accuracy is known.
    majority = view.majority if main == "accuracy" else None
    return linear + word_counts + (() if majority is None else (ReferenceLine("most frequent class", majority.validation_accuracy),))
