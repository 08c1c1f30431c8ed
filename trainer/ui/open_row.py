"""What is known of an opened row of the Results tab, gathered from the use cases; ``open_row_view`` makes its HTML."""

from contextlib import suppress

from trainer.errors import UserError
from trainer.evaluation.mistakes import PredictedRows
from trainer.explanation import Explanation
from trainer.similar_texts import SimilarSearch
from trainer.studio import Studio
from trainer.ui.event_handling import current_workspace
from trainer.ui.open_row_view import OpenRow, RowDetail
from trainer.workspace import Workspace


def read_detail(studio: Studio, run_id: str, split: str, rows: PredictedRows, opened: OpenRow, *, notice: str = "") -> RowDetail | None:
    """What is shown of an open row; None if the rows are another run's by now."""
    position = rows.position_of(opened.row)
    if position is None:
        return None
    workspace = current_workspace(studio)
    shown = [opened.class_id] if 0 <= opened.class_id < len(rows.label_names) else rows.task.label_ids(rows.predicted[position])
    explanation, problem = None, ""
    try:
        explanation = workspace.models.explain(run_id, rows.texts[position], rows.label_names[shown[0]] if shown else None)
    except UserError as error:
        problem = error.message
    decision = None
    if split == "validation":
        # A file that cannot be read any more has no decisions to show.
        with suppress(UserError):
            decision = workspace.corrections.decision(run_id, opened.row)
    return RowDetail(
        opened,
        split,
        rows.label(position),
        explanation,
        _similar(workspace, run_id, explanation, opened.row),
        decision,
        problem,
        notice,
        in_folds=bool(workspace.library.view(run_id).folds),
    )


def _similar(workspace: Workspace, run_id: str, explanation: Explanation | None, row: int) -> SimilarSearch | None:
    """None where the model cannot compare texts."""
    if explanation is None or explanation.prediction.probabilities is None:
        return None
    with suppress(UserError):
        return workspace.similar.search(run_id, explanation.prediction.text, without=row)
    return None


def decide(studio: Studio, run_id: str, opened: OpenRow, action: str, rows: PredictedRows) -> str:
    """Save or take back a decision on the label of an open row; returns why it could not be saved."""
    labels = current_workspace(studio).corrections
    try:
        if action == "undo":
            labels.take_back(run_id, opened.row)
        elif 0 <= opened.class_id < len(rows.label_names):
            labels.correct(run_id, opened.row, rows.label_names[opened.class_id])
    except UserError as error:
        return f"Not saved. {error.message}"
    return ""
