"""An opened row of the Results tab as HTML: its words, the probabilities, similar training rows, and what can be done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from trainer.audit.decisions import Decision
from trainer.charts.colours import class_colours
from trainer.evaluation.similar_rows import SimilarRow
from trainer.explanation import Explanation
from trainer.similar_texts import SimilarSearch
from trainer.text_format import pluralize
from trainer.ui import html_pieces, pages_by_task, words_view
from trainer.ui.buttons import Button
from trainer.ui.try_view import notes_html

_RUN_CHARS = 8


class OpenRow(NamedTuple):
    """Which row of which page is open, and the class whose words are marked; -1 for the predicted one."""

    run: str
    """The beginning of the run's id: while the rows of another run are on their way, those of the one before can still be pressed."""
    row: int
    page: int
    class_id: int = -1

    @classmethod
    def of(cls, run_id: str, row: int, page: int) -> "OpenRow":
        """A row of a run, given by its index into the run's corpus."""
        return cls(run_id[:_RUN_CHARS], row, page)

    def is_of(self, run_id: str) -> bool:
        """Whether it is a row of this run."""
        return self.run == run_id[:_RUN_CHARS]

    @property
    def code(self) -> str:
        return f"{self.prefix}{self.class_id}"

    @property
    def prefix(self) -> str:
        """The code without the class."""
        return f"{self.run} {self.row} {self.page} "

    @classmethod
    def parse(cls, code: str) -> "OpenRow | None":
        """What ``code`` wrote; None for anything else."""
        run, *numbers = code.split() or [""]
        if not (len(run) == _RUN_CHARS and 2 <= len(numbers) <= 3):
            return None
        if not all(number.removeprefix("-").isdecimal() and len(number) < 12 for number in numbers):
            return None
        return cls(run, *map(int, numbers))


@dataclass(frozen=True)
class RowDetail:
    """What is shown of an open row. ``decision`` is what somebody decided about its label. ``problem``: why there are no words."""

    open: OpenRow
    split: str
    label: str
    explanation: Explanation | None
    similar: SimilarSearch | None
    decision: Decision | None = None
    problem: str = ""
    notice: str = ""
    """Why the last press did nothing."""
    in_folds: bool = False
    """Whether the run has folds: its model has learned the tested rows, which are all, and others have tested them."""


def detail_html(detail: RowDetail) -> str:
    """The row's detail; click events carry "class", "similar", "try", "relabel", "undo", "labels" or "row", with the code of an OpenRow."""
    explanation = detail.explanation
    words = html_pieces.notice(detail.problem, "warning") if explanation is None else _words(detail, explanation)
    notice = html_pieces.notice(detail.notice, "error")
    return f'<div class="em-row-detail">{notice}{words}{_similar(detail)}{_actions(detail)}</div>'


def _words(detail: RowDetail, explanation: Explanation) -> str:
    if explanation.prediction.probabilities is None:
        return html_pieces.notice(explanation.problem, "info")
    choice = words_view.class_choice_html(
        explanation.label_names,
        explanation.prediction.probabilities.tolist(),
        explanation.label,
        lambda class_id: f'data-action="class" data-code="{detail.open._replace(class_id=class_id).code}"',
        f'data-action="class" data-prefix="{detail.open.prefix}"',
        task=explanation.prediction.task,
    )
    learned = (
        '<p class="em-quiet em-small">These words and probabilities are those of the model that learned all rows. The prediction in the table is '
        "that of a model that had not seen this row.</p>"
    )
    return (
        f'<div class="em-row-words"><div><h4>Which words speak for {html_pieces.isolated(explanation.label, max_length=60)}?</h4>'
        f"{words_view.words_html(explanation)}{notes_html(explanation.prediction)}"
        f"{learned if detail.in_folds and detail.split == 'test' else ''}</div><div>{choice}</div></div>"
    )


def _similar(detail: RowDetail) -> str:
    search = detail.similar
    if search is None:
        return ""
    head = "<h4>The most similar training rows, as the model reads them</h4>"
    if search.rows is not None:
        return head + _similar_list(search.rows, detail.explanation.label_names if detail.explanation else ())
    if search.pending:
        progress = search.job.progress
        what = "waiting for its turn" if search.job.status == "queued" else progress.what if progress else "starting"
        done = f", {100 * progress.done:.0f} %" if progress and progress.done else ""
        return f'{head}<p class="em-quiet" role="status">Once for this model: {html_pieces.text(what)}{done} …</p>'
    why = f"{html_pieces.text(search.problem, max_length=400)} " if search.problem else ""
    button = Button("similar", f"Read {pluralize(search.train_rows, 'training row')} once", code=detail.open.code).html
    return f'{head}<p class="em-quiet">{why}They are found once the model has read all training rows. {button}</p>'


def _similar_list(rows: Sequence[SimilarRow], names: Sequence[str]) -> str:
    colours = dict(zip(names, class_colours(names), strict=True))
    items = "".join(
        f'<li><span dir="auto">{html_pieces.text(row.text, max_length=300)}</span><span class="em-class">'
        f'{html_pieces.dot(colours.get(row.label, "transparent"))}<span dir="auto">{html_pieces.text(row.label, max_length=80)}</span></span>'
        f'<span class="em-quiet" title="The cosine of what the last layer reads of both texts; 1 is the same">similarity {row.similarity:.3f}, '
        f"{'added in Try it' if row.source_row is None else f'row {row.source_row:,}'}</span></li>"
        for row in rows
    )
    return f'<ol class="em-similar">{items}</ol>'


def _actions(detail: RowDetail) -> str:
    variation = Button("try", "Try a variation", code=detail.open.code).html
    if detail.split == "test" or detail.in_folds:
        check = Button("labels", "Check labels", link=True).html
        which = "Folds test every row, this one too" if detail.in_folds else "A test row"
        if not _can_correct(detail):
            return f'<div class="em-row-actions">{variation}<span class="em-quiet em-small">{which}: only to look at.</span></div>'
        rule = (
            f'<span class="em-quiet em-small">{which}: only to look at here. In '
            f"{check} its label can be changed too, but no {'score of folds' if detail.in_folds else 'training and no score'} uses that.</span>"
        )
        return f'<div class="em-row-actions">{variation}{rule}</div>'
    return f'<div class="em-row-actions">{variation}{_relabel(detail)}</div>'


def _can_correct(detail: RowDetail) -> bool:
    """Whether a decision on labels is possible for the task of its model."""
    return detail.explanation is None or pages_by_task.page_of(detail.explanation.prediction.task.key).can_correct


def _relabel(detail: RowDetail) -> str:
    """The decision on the label of a validation row, or the list that makes one."""
    if not _can_correct(detail):
        return '<span class="em-quiet em-small">The labels of a text that may have several cannot be corrected here yet.</span>'
    names = detail.explanation.label_names if detail.explanation else ()
    if detail.decision is not None:
        said = {"keep": "its label is right", "drop": "the row is left out"}.get(
            detail.decision.action, f"its label should be {html_pieces.isolated(detail.decision.after, max_length=60)}"
        )
        undo, check = (
            Button("undo", "Take it back", code=detail.open.code, link=True).html,
            Button("labels", "See all decisions", link=True).html,
        )
        return f'<span class="em-decided" role="status">✓ Decided: {said}. {undo} · {check}</span>'
    options = "".join(
        f'<option value="{class_id}">{html_pieces.text(name, max_length=80)}</option>'
        for class_id, name in enumerate(names)
        if name != detail.label
    )
    return (
        '<label>The label is wrong, it should be <select data-action="relabel" data-saves title="With arrow keys: choose, then press Enter" '
        f'data-prefix="{detail.open.prefix}"><option value="">choose …</option>{options}</select></label>'
    )
