"""Services: what the workspaces of all owners share, made once by the studio. Has no behaviour of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from trainer.call_rate import CallRate
from trainer.download_places import DownloadPlaces
from trainer.drafts.draft_cache import DraftCache
from trainer.jobs.job_type import JobServices
from trainer.jobs.runner import JobRunner
from trainer.open_pages import OpenPages
from trainer.run_library import ScoreCache
from trainer.runs.store import RunStore
from trainer.settings import Settings
from trainer.trained_models import ModelCache
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.machine import Machine


@dataclass(frozen=True)
class Services:
    """What the workspaces of all owners share."""

    settings: Settings
    encoders: EncoderCatalogue
    runs: RunStore
    drafts: DraftCache
    scores: ScoreCache
    models: ModelCache
    runner: JobRunner
    machine: Machine
    jobs: JobServices
    starts: CallRate
    """Trainings that were started, in the last hour."""
    predictions: CallRate
    """Calls that predict, in the last minute."""
    pages: OpenPages
    downloads: DownloadPlaces
    after_deletion: list[Callable[[str], None]]
    """Called with an owner whose work was all deleted, to forget what is elsewhere."""
