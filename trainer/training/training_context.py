"""What every part of a training shares: its recipe and schedule, where it reports, and where it keeps its checkpoints.

Knows neither torch nor the folder of a run: a training is handed a reporter and paths.
"""

from dataclasses import dataclass
from typing import Protocol

from trainer.data.task import Task
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_schema import Event
from trainer.training.distributed import ProcessGroup
from trainer.training.schedule import Schedule


class Reporter(Protocol):
    """Receives the events of a training and says whether it should stop."""

    def emit(self, event: Event, *, durable: bool = False) -> None:
        """Record an event; ``durable`` waits until it is on the disk. Raises OSError."""

    def is_stop_requested(self) -> bool:
        """Whether somebody has asked the training to stop."""


@dataclass(frozen=True)
class PreviousAttempts:
    """What earlier attempts at this training settled."""

    started: bool = False
    batch_size: int = 0
    """Texts per step of all processes together; 0 if no attempt got so far."""
    texts_at_a_time: int | None = None
    """Upper limit after an attempt ran out of memory; None if none did."""
    added_tokens: tuple[str, ...] | None = None
    """What they added to the encoder's vocabulary; None if no attempt got so far."""


@dataclass(frozen=True)
class TrainingContext:
    """What a training needs besides its rows. The recipe is resolved: no automatic values are left."""

    reporter: Reporter
    task: Task
    recipe: Recipe
    schedule: Schedule
    process_group: ProcessGroup
    checkpoints: Checkpoints
    """One object for the whole training, as it remembers which checkpoints it has verified."""
    save_seconds: float
    """Seconds between two resume states; 0 saves one at every logged step."""
