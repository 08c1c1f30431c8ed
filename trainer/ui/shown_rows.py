"""Which rows the Results tab shows: a run's own test or validation rows, or those of another file that it was judged on."""

from collections.abc import Sequence

from trainer.data.columns.label_form import describe_cut
from trainer.errors import NotFoundError
from trainer.evaluation.mistakes import PredictedRows
from trainer.evaluation.other_file import EvaluatedFile
from trainer.evaluation.predictions import SPLITS
from trainer.evaluation.report import Report, Reports
from trainer.ui import html_pieces, score_format
from trainer.ui.buttons import Button
from trainer.ui.whole_file_view import difference
from trainer.workspace import Workspace

TEST, VALIDATION = "test", "validation"
_OWN = (("Test rows", TEST), ("Validation rows", VALIDATION))
_FILE = "file-"
_MAX_FILES = 8


def choices(files: Sequence[EvaluatedFile]) -> list[tuple[str, str]]:
    """What can be shown: titles and values. ``files``: those that the run was judged on, newest first."""
    return [*_OWN, *((f"{file.name}: not the test rows", value_of(file.id)) for file in files[:_MAX_FILES])]


def value_of(evaluation_id: str) -> str:
    """The value of the choice that shows an evaluation."""
    return _FILE + evaluation_id


def evaluation_of(shown: str) -> str | None:
    """The id of the evaluation whose rows are shown; None for a run's own rows."""
    return shown.removeprefix(_FILE) if shown.startswith(_FILE) else None


def describe(shown: str) -> str:
    """What these rows are: "test rows"."""
    return "rows of this file" if evaluation_of(shown) else f"{shown} rows"


def predicted_rows(workspace: Workspace, run_id: str, shown: str) -> PredictedRows:
    """The rows with their texts. UserError for others than ``choices`` names."""
    if evaluation := evaluation_of(shown):
        return workspace.evaluations.predicted_rows(run_id, evaluation)
    if shown not in SPLITS:
        raise NotFoundError("This link asks for rows in a way that is not known. Use the links on the page.", code="unknown_rows")
    return workspace.library.predicted_rows(run_id, shown)


def report_of(workspace: Workspace, run_id: str, reports: Reports, shown: str) -> Report:
    """The scores on these rows."""
    if evaluation := evaluation_of(shown):
        return workspace.evaluations.report(run_id, evaluation)
    return reports.validation if shown == VALIDATION else reports.test


def banner(file: EvaluatedFile, report: Report) -> str:
    """The score on another file, what does not count of it, and how its texts differ."""
    notes = "".join(f"<li>{html_pieces.text(note, max_length=400)}</li>" for note in file.left_out.sentences())
    left_out = f'<p class="em-small">Left out:</p><ul class="em-quiet em-small">{notes}</ul>' if notes else ""
    score = score_format.words_of(report.task.key).said_with_interval(report)
    remove = Button("remove-evaluation", "Forget this file", code=file.id, link=True).html
    return (
        f'<section class="em-card em-other-file" aria-label="Another file"><p class="em-tag">Not the test rows</p>'
        f"<h3>{html_pieces.isolated(file.name, max_length=80)}: {score}</h3>"
        f'<p class="em-quiet em-small">Labels from “{html_pieces.text(file.label_column, max_length=60)}”. '
        f"{'' if file.labels_cut is None else f'{describe_cut(file.labels_cut)} '}Nothing says that these rows are like the test rows, and nothing is chosen by them.</p>"
        f"{left_out}{difference(file.difference)}{remove}</section>"
    )
