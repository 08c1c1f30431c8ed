"""LabelCorrections: labels corrected where a model is looked at, of a row that it was scored on or of any text: decisions on the file of its run.

Test rows can only be looked at here: a score would no longer be honest if the rows that it counts as mistakes were corrected one by one.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from trainer.audit.decisions import Decision, RowKey
from trainer.data.duplicates.near_duplicates import find_nearly_equal
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.task import SINGLE_LABEL, Task, find_task
from trainer.drafts.drafts import Drafts
from trainer.drafts.label_editor import LabelEditor, LabelState
from trainer.drafts.store import Draft
from trainer.errors import FileError, RecipeError
from trainer.evaluation.mistakes import PredictedRows
from trainer.evaluation.predictions import SPLITS
from trainer.run_library import RunLibrary
from trainer.runs.run import Run
from trainer.text_format import percent

_CORRECTED = "validation"


@dataclass(frozen=True)
class NewTexts:
    """Texts that are no rows of a file, with their labels, in the order in which they were added; ``draft`` is the id of the file, empty if it is not open."""

    draft: str
    texts: Mapping[str, str]


class LabelCorrections:
    """Of one owner."""

    def __init__(self, drafts: Drafts, labels: LabelEditor, library: RunLibrary) -> None:
        self._drafts = drafts
        self._labels = labels
        self._library = library

    def decision(self, run_id: str, row: int) -> Decision | None:
        """What was decided about a validation row (its index into the run's corpus); None if nothing was, or if the file is not open any more."""
        rows, position = self._find(run_id, row)
        draft = self._drafts.of_run(self._run(run_id))
        # Reading a file takes longer than everything else here.
        if draft is None or not self._labels.size(draft.id):
            return None
        return self._decision(self._labels.state(draft.id), rows, position)

    def correct(self, run_id: str, row: int, label: str) -> Decision | None:
        """Decide that a validation row has another label, by its name in the run. Opens the run's copy of its file if that is not open any more.

        Raises UserError ``test_row`` for a test row, ``unknown_label``, ``not_for_this_task``, and what keeps the file from being read.
        """
        rows, position = self._find(run_id, row)
        _require_one_label(rows.task)
        draft, key = self._draft(run_id), _key(rows, position)
        said = rows.said(position)
        reason = f"Seen in the results: a model says {said} ({percent(float(rows.confidence[position]), 0)})."
        present = self._present_name(run_id, draft.id, label)
        return self._decision(self._labels.decide(draft.id, [key], "relabel", label=present, reasons={key: reason}), rows, position)

    def take_back(self, run_id: str, row: int) -> None:
        """Make a row undecided again. Raises UserError ``test_row``."""
        rows, position = self._find(run_id, row)
        self._labels.take_back(self._draft(run_id).id, [_key(rows, position)])

    def new_texts(self, run_id: str) -> NewTexts:
        """The texts that trainings on the file of a run learn too."""
        draft = self._drafts.of_run(self._run(run_id))
        if draft is None or not self._labels.size(draft.id):
            return NewTexts("", {})
        return NewTexts(draft.id, self._labels.state(draft.id).decisions.texts)

    def add_text(self, run_id: str, text: str, label: str) -> NewTexts:
        """Let trainings on the file of a run learn a text, as the model reads it, with this label, by its name in the run.

        Raises UserError ``text_is_held`` for a text that is, or nearly is, that of a validation or test row, ``not_for_this_task``, and what ``LabelEditor.label_text`` raises.
        """
        _require_one_label(find_task(self._library.view(run_id).task))
        for split in SPLITS:
            held = self._library.predicted_rows(run_id, split).texts
            near = find_nearly_equal(text, held)
            if len(near):
                is_equal = any(normalize_text(held[position]) == normalize_text(text) for position in near.tolist())
                raise FileError(
                    f"This text is {'' if is_equal else 'nearly '}one of the {split} rows, which no training learns from: the score would not be honest otherwise. "
                    "Try another text, or check the labels of the file.",
                    code="text_is_held",
                )
        draft = self._draft(run_id)
        return NewTexts(draft.id, self._labels.label_text(draft.id, text, self._present_name(run_id, draft.id, label)).decisions.texts)

    def take_text_back(self, run_id: str, text: str) -> NewTexts:
        """Let trainings not learn a new text any more."""
        draft = self._draft(run_id)
        return NewTexts(draft.id, self._labels.take_text_back(draft.id, text).decisions.texts)

    def _run(self, run_id: str) -> Run:
        return Run(self._library.folder(run_id))

    def _draft(self, run_id: str) -> Draft:
        run = self._run(run_id)
        return self._drafts.of_run(run) or self._drafts.open_from_run(run).draft

    def _find(self, run_id: str, row: int) -> tuple[PredictedRows, int]:
        rows = self._library.predicted_rows(run_id, _CORRECTED)
        # Folds test every row.
        position = None if self._library.view(run_id).folds else rows.position_of(row)
        if position is None:
            raise FileError(
                "Only labels of validation rows are corrected here: a score would no longer be honest if its mistakes were corrected one by one. "
                "Check the labels of the whole file instead.",
                code="test_row",
            )
        return rows, position

    def _present_name(self, run_id: str, draft_id: str, label: str) -> str:
        """The present name of a class in the file of a run, given its name in the run: it may have been renamed or merged before and since."""
        state, then = self._labels.state(draft_id), self._library.view(run_id).class_names
        own = state.prepared.require_corpus().label_names
        # Of classes that were merged then and are not any more, the one whose name they had.
        in_file = [name for name in own if then.get(name, name) == label]
        return state.decisions.present_name(min(in_file, key=lambda name: name != label, default=label))

    @staticmethod
    def _decision(state: LabelState, rows: PredictedRows, position: int) -> Decision | None:
        return state.decisions.rows.get(_key(rows, position))


def _require_one_label(task: Task) -> None:
    """Raise UserError ``not_for_this_task`` where one label says not all that a text has."""
    if task is not SINGLE_LABEL:
        raise RecipeError(
            f"A label is chosen for a text here, and the texts of this file have {task.name}. Correct them in Check labels, which shows all labels of a text.",
            code="not_for_this_task",
        )


def _key(rows: PredictedRows, position: int) -> RowKey:
    return rows.files[position] if rows.files else "main", int(rows.source_rows[position]) - 1
