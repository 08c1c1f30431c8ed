"""LabelProof: trains again with the decisions on labels and says whether that helped, on test rows that neither run nor decision touched.

Decides nothing about labels: that is ``LabelEditor``.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from trainer.drafts.copies import file_digests, has_digest
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.store import Draft
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.run_library import LabelEffect, RunLibrary
from trainer.runs.run import Run
from trainer.runs.run_files import SOURCE
from trainer.runs.store import RunStore
from trainer.runs.view import RunView


@dataclass(frozen=True)
class ProofState:
    """A training with decisions, the one without them that it is compared with, and the comparison once both have a model."""

    after: RunView
    before: RunView | None
    """None if it has been deleted."""
    effect: LabelEffect | None
    problem: str = ""
    """Why there is no comparison though both are trained."""


class LabelProof:
    """Of one owner."""

    def __init__(self, runs: RunStore, drafts: DraftCache, library: RunLibrary, start: Callable[..., RunView], owner: str) -> None:
        """``start`` is ``Workspace.start``."""
        self._runs = runs
        self._store = drafts.store
        self._library = library
        self._start = start
        self._owner = owner

    def train_again(self, draft_id: str, default_recipe: Callable[[], tuple[Recipe, str]]) -> RunView:
        """Enqueue a training with the decisions, and with the recipe of the last run on the file as it was; returns the new run.

        If there is no such run, one is trained too, first, with ``default_recipe`` (a recipe and its level).
        Raises what ``Workspace.start`` raises.
        """
        before = self.run_before(draft_id)
        if before is None:
            recipe, level = default_recipe()
            before = self._start(draft_id, recipe, level=level, with_decisions=False)
        # The decisions may leave so many rows more or less that another method would be the automatic one.
        method = Run(self._runs.root / before.id).resolved_recipe().method
        recipe = replace(self._library.recipe(before.id), method=method)
        return self._start(draft_id, recipe, level=before.level, compared_with=before.id)

    def run_before(self, draft_id: str) -> RunView | None:
        """The last run that keeps test rows aside and learns, or learnt, from the draft's file with the labels and the choices as they are without any decision."""
        draft = self._store.get(draft_id, self._owner)
        views = [
            view
            for view in self._library.runs()
            # Folds test every row, those too that decisions change.
            if not view.folds and not view.decisions and not view.class_names and (view.live or view.has_model) and not view.stop_requested
        ]
        digests = file_digests([self._store.path(draft, draft.main)]) if views else frozenset()
        for view in views:
            run = Run(self._runs.root / view.id)
            with suppress(OSError, ValueError, UserError):
                self._library.recipe(view.id)
                if _choices(self._store.load_from_run(run.path)) == _choices(draft) and has_digest(run.path / SOURCE, digests):
                    return view
        return None

    def state(self, draft_id: str) -> ProofState | None:
        """The last training with decisions on this draft; None if there is none."""
        after = self._last(draft_id)
        return None if after is None else self._state(after)

    def version(self, draft_id: str) -> str:
        """Changes with what ``state`` returns; cheap."""
        after = self._last(draft_id)
        if after is None:
            return ""
        statuses = [f"{view.id}{view.status}" for view in self._library.runs() if view.id in (after.id, after.compared_with)]
        return " ".join(statuses)

    def _last(self, draft_id: str) -> RunView | None:
        return next((view for view in self._library.runs() if view.compared_with and self._is_of(view, draft_id)), None)

    def _state(self, after: RunView) -> ProofState:
        before = None
        with suppress(UserError):
            before = self._library.view(after.compared_with)
        if before is None or not (after.has_model and before.has_model) or after.live or before.live:
            return ProofState(after, before, None)
        try:
            return ProofState(after, before, self._library.label_effect(before.id, after.id))
        except UserError as error:
            return ProofState(after, before, None, error.message)

    def _is_of(self, view: RunView, draft_id: str) -> bool:
        with suppress(OSError, ValueError):
            return self._store.load_from_run(self._runs.root / view.id).id == draft_id
        return False


def _choices(draft: Draft) -> tuple:
    """What decides, besides the main file, which rows are learnt from and with which labels."""
    columns = tuple((source.name, source.text_columns, source.label_column) for source in draft.sources)
    return columns, dict(draft.class_names), draft.repairs
