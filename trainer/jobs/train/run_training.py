"""The training of a run's folder by ``training/``: who gets its events, what its log says of earlier attempts.

Decides nothing about scores and ends; pipeline.py does.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Evaluated, Logged, Started, StateSaved
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.training.encoders import Encoder

if TYPE_CHECKING:
    from trainer.training.attempt import TrainResult
    from trainer.training.training_context import PreviousAttempts, Reporter


@dataclass(frozen=True)
class RunReporter:
    """Reports a training's events to the run's log, and a stop to the training if the run's stop file exists."""

    run: Run

    def emit(self, event: Event, *, durable: bool = False) -> None:
        self.run.log.append(event, durable=durable)

    def is_stop_requested(self) -> bool:
        return self.run.is_stop_requested()


@dataclass(frozen=True)
class RunHistory:
    """What a run's log says when its training begins, read once."""

    view: RunView
    event_types: Collection[type[Event]]

    @classmethod
    def read(cls, run: Run) -> "RunHistory":
        """Read the log and build its view."""
        events = list(run.log.read())
        return cls(build_view(run.id, events), frozenset(map(type, events)))

    @property
    def has_started(self) -> bool:
        """Whether a training of this run has begun before. Not by ``Started`` alone, as that line may be damaged."""
        return not self.event_types.isdisjoint((Started, Logged, Evaluated, StateSaved))

    def previous_attempts(self) -> "PreviousAttempts":
        """What the earlier attempts settled. Which tokens they added follows from the rows too, if the line that names them is damaged."""
        from trainer.training.training_context import PreviousAttempts

        tokens = self.view.added_tokens if Started in self.event_types else None
        return PreviousAttempts(self.has_started, self.view.batch_size, self.view.texts_at_a_time, tokens)


def train_run(
    run: Run,
    history: RunHistory,
    encoder: Encoder,
    corpus: Corpus,
    splits: Splits,
    *,
    checkpoints: Checkpoints | None = None,
    reporter: "Reporter | None" = None,
    save_seconds: float = 30.0,
) -> "TrainResult | None":
    """Train a run as its recipe was resolved when it was created; raises what ``fit`` does. ``checkpoints`` if some were verified already,
    ``reporter`` for who gets its events and stops it, by default the run itself."""
    from trainer.training.fit import fit

    return fit(
        run.resolved_recipe(),
        encoder,
        corpus,
        splits,
        reporter=reporter or RunReporter(run),
        checkpoints=checkpoints or Checkpoints(run.checkpoints, run.id),
        model_folder=run.model,
        previous=history.previous_attempts(),
        save_seconds=save_seconds,
    )
