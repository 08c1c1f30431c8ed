"""SharedRuns: one owner shares runs with whoever has a link, to be read and tried only, and opens the links of others.

Which links there are: ``shares.py``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainer.errors import NotFoundError
from trainer.run_reports import RunReports
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.shares import Share, Shares
from trainer.switches import Switches
from trainer.trained_models import TrainedModels

if TYPE_CHECKING:
    from trainer.training.predictor import Prediction


@dataclass(frozen=True)
class Reader:
    """What reads the runs of the owner of a shared run: reports, and models whose predictions count as those of whoever opened the link."""

    reports: RunReports
    models: TrainedModels


class SharedRun:
    """What a link leads to."""

    def __init__(self, share: Share, reader: Reader) -> None:
        self._share, self._reader = share, reader

    def html(self, before: str = "") -> bytes:
        """The report as a page, with texts of rows only if they are shared; ``before`` is HTML that stands before the scores. UserError as ``RunReports.html``."""
        return self._reader.reports.html(self._share.run, with_texts=self._share.with_texts, before=before)[1]

    def predict(self, texts: Sequence[str]) -> tuple[tuple[str, ...], list["Prediction"]]:
        """As ``TrainedModels.predict``."""
        return self._reader.models.predict(self._share.run, texts)


class SharedRuns:
    """Of one owner. ``reader_of`` makes what reads the runs of another owner."""

    def __init__(self, settings: Settings, runs: RunStore, models: TrainedModels, reader_of: Callable[[str], Reader]) -> None:
        self._settings = settings
        self._runs = runs
        self._models = models
        self._reader_of = reader_of
        self._shares = Shares(settings.runs_dir)

    def share(self, run_id: str, *, with_texts: bool) -> Share:
        """Share an own run that has a model, or change what its link shows. Raises UserError ``unknown_run``, ``no_model`` or ``disk_not_writable``."""
        run = self._models.run(run_id, to_read=False)
        with disk_errors_as_user_error(self._settings):
            return self._shares.share(run.id, with_texts=with_texts)

    def of_run(self, run_id: str) -> Share | None:
        """The share of an own run; None if it is not shared. Raises UserError as ``share``."""
        return self._shares.of_run(self._models.run(run_id, to_read=False).id)

    def end(self, run_id: str) -> None:
        """Share an own run no more. Raises UserError as ``share``."""
        run = self._models.run(run_id, to_read=False)
        with disk_errors_as_user_error(self._settings):
            self._shares.end(run.id)

    def forget(self, run_id: str) -> None:
        """After an own run was deleted: its link leads nowhere."""
        with disk_errors_as_user_error(self._settings):
            self._shares.end(run_id)

    def open(self, token: str) -> SharedRun:
        """What a link leads to. Raises UserError ``unknown_share`` for one that was never given out, or leads nowhere any more, or whose
        owner is blocked."""
        share = self._shares.find(token)
        run = None if share is None else Run(self._settings.runs_dir / share.run)
        owner = None if run is None or not run.path.is_dir() else self._runs.view(run).owner
        if share is None or owner is None or Switches(self._settings.runs_dir).blocks(owner):
            raise NotFoundError("This link leads nowhere, or not any more. Ask whoever sent it for another one.", code="unknown_share")
        return SharedRun(share, self._reader_of(owner))
