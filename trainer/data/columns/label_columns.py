"""Columns that hold the labels of a text together: one for each label with a mark or a score, or one for the first label, one for the second.

Judges names and cells; label_form.py reads the labels.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from trainer.data.columns.evidence import ColumnEvidence
from trainer.data.columns.label_form import LabelForm, cells_or_rows, find_form_of_cells, parse_score, read_label_sets
from trainer.data.files.cross_marked_labels import CROSSES, NO_CROSSES, PURE_CROSSES
from trainer.data.files.table import Table
from trainer.errors import FileError, RecipeError
from trainer.text_format import pluralize, quote_names

_MIN_COLUMNS = 3
"""Of marks or scores, without somebody saying so: two may answer two questions."""
_ANSWER = 2.25  # from this score on a name says that the column holds the label ("label", "sentiment"), not which one
_MAY_ANSWER = 1.0  # "spam", "recommended": one label of several, or the only one
_MIN_SEVERAL = 0.01  # of the rows, and at least two
_MAX_REPEATED = 0.01  # of the rows with two labels; two annotators give the same label often
_MIN_SHARED = 0.5  # of the labels of a further column
_MAX_LABEL_CHARS = 80
_MAX_LABELS = 500
_MAX_VOTES = 10
_MAX_SUM_OF_ONE = (0.98, 1.02)  # the scores of labels of which a text has one add up to 1
_FACT = re.compile(r"^(?:has|had|have|was|were|contains|wants)[\s_]|\?\s*$|(?:\S+\s+){5}", re.IGNORECASE)
"""In the name of a column: a fact or a question that stands beside a text, rather than one of its labels."""
_STYLES: tuple[tuple[str, frozenset[str]], ...] = (
    ("numbers", frozenset(("0", "1", "0.0", "1.0"))),
    ("truth", frozenset(("true", "false"))),
    ("answers", (CROSSES | NO_CROSSES) - PURE_CROSSES - {"0", "1", "0.0", "1.0", "true", "false"}),
    ("crosses", PURE_CROSSES),
)
_REVERSED_NUMBER = re.compile(r"\)?(?:\d+|[a-d](?=[\s_.\-(]))?[\s_.\-(]*")  # reversed, so that a name of many dashes is looked at once


def find_label_columns(table: Table, columns: Sequence[ColumnEvidence], text: int, label: int | None, *, wanted: bool) -> LabelForm | None:
    """The columns beside ``text`` that hold the labels together, ``label`` among them if it is given.

    ``wanted``: somebody says that a text has several labels, so that less evidence is enough. A form that is not clear is one to offer.
    """
    if not table.header:
        return None
    others = [column for column in columns if column.position != text and not column.name.is_split]
    forms = [form for find in (_marked, _scored, _numbered) if (form := find(table, others, label, wanted)) is not None]
    return next((form for form in forms if wanted or form.is_clear), forms[0] if forms else None)


def form_of_columns(table: Table, columns: Sequence[ColumnEvidence], positions: tuple[int, ...], text: int) -> LabelForm:
    """The form of columns that somebody has named: marks or scores if all hold those, else one label in each; a single other one may hold several.

    ``text``: the column of the texts.
    """
    chosen = [columns[position] for position in positions]
    if all(map(_mark_style, chosen)):
        form = _form("marked", table, positions, "mark one label each", is_clear=True)
    elif all(_score_style(column, wanted=True) for column in chosen):
        form = _form_of_scores(table, positions)
    elif len(positions) == 1:
        return cells_or_rows(table, text, positions[0], find_form_of_cells(table, positions[0], wanted=True))
    else:
        form = _form("numbered", table, positions, "hold one label each", is_clear=True)
    return _with_count(table, form)


def with_cut(table: Table, form: LabelForm | None, cut: float) -> LabelForm:
    """The form of columns with scores, read with a cut that somebody has given.

    Raises UserError ``no_scores`` for any other form, ``setting_out_of_range`` for a cut that no score reaches, or with which each text has each label.
    """
    if form is None or form.kind != "scored":
        raise FileError(
            "A cut is for columns with a score for each label, and the labels of this file are not written so. "
            "Leave the cut out, or name the columns of scores as the labels.",
            code="no_scores",
        )
    highest = _highest(_scores(table, form.columns))
    if cut > highest:
        raise RecipeError(
            f"No label reaches a cut of {cut:.12g}: the highest score in the file is {highest:.12g}. Choose a cut up to {highest:.12g}.",
            code="setting_out_of_range",
        )
    changed = _with_count(table, _form_of_scores(table, form.columns, cut))
    if all(labels is None or len(labels) == len(form.names) for labels in read_label_sets(table, changed)):
        raise RecipeError(
            f"With a cut of {cut:.12g} each text has all labels, so that there is nothing to learn. Choose a higher one, up to {highest:.12g}.",
            code="setting_out_of_range",
        )
    return changed


def name_stem(name: str) -> str:
    """The name without a number or a letter at its end: "label" of "label 2", "label_1" and "label_b"."""
    return _REVERSED_NUMBER.sub("", name.strip().casefold()[::-1], count=1)[::-1]


def _marked(table: Table, columns: Sequence[ColumnEvidence], label: int | None, wanted: bool) -> LabelForm | None:
    positions = _of_one_style(columns, _mark_style, label) if wanted else _longest_run(columns, _mark_style, label)
    if len(positions) < (2 if wanted else _MIN_COLUMNS):
        return None
    run = [column for column in columns if column.position in positions]
    others = [column for column in run if column.name.label < _MAY_ANSWER]
    if not wanted and len(others) < len(run) and all(column.name.role or _FACT.search(table.columns[column.position]) for column in others):
        return None
    # Price and location are labels between others; beside them they may be facts.
    has_role = [column.name.role is not None for column in run]
    is_clear = not (has_role[0] or has_role[-1]) and has_role.count(False) >= _MIN_COLUMNS and _name_labels(table, run)
    return _if_several(table, _form("marked", table, positions, "mark one label each", is_clear=is_clear), wanted)


def _name_labels(table: Table, run: Sequence[ColumnEvidence]) -> bool:
    """Whether columns are named as labels: none as a fact or a question, none that answers ("label", "spam") among others that say something else."""
    if any(_FACT.search(table.columns[column.position]) for column in run):
        return False
    scores = [column.name.label for column in run]
    answers = sum(score >= _ANSWER for score in scores)
    may_answer = sum(score >= _MAY_ANSWER for score in scores)
    return answers in (0, len(run)) and (may_answer != 1 or len(run) > _MIN_COLUMNS)


def _mark_style(column: ColumnEvidence) -> str | None:
    values = {value.casefold() for value in column.profile.counts}
    return next((name for name, known in _STYLES if values and values <= known), None)


def _scored(table: Table, columns: Sequence[ColumnEvidence], label: int | None, wanted: bool) -> LabelForm | None:
    # A certainty or a price between 0 and 1 is a measure, until somebody says otherwise.
    possible = columns if wanted else [column for column in columns if column.name.role is None]
    find = _of_one_style if wanted else _longest_run
    positions = find(possible, lambda column: _score_style(column, wanted=False), label)
    if wanted and len(positions) < 2:
        positions = _longest_run(possible, lambda column: _score_style(column, wanted=True), label)
    if len(positions) < (2 if wanted else _MIN_COLUMNS):
        return None
    form = _form_of_scores(table, positions)
    is_clear = form.is_clear and _name_labels(table, [column for column in columns if column.position in positions])
    return _if_several(table, replace(form, is_clear=is_clear), wanted)


def _form_of_scores(table: Table, positions: tuple[int, ...], cut: float | None = None) -> LabelForm:
    rows = _scores(table, positions)
    highest = _highest(rows)
    if cut is None:
        cut = 0.5 if highest <= 1 else highest / 2
    low, high = _MAX_SUM_OF_ONE
    sums = [sum(scores) for scores in rows if None not in scores]
    of_one = sum(low <= total <= high for total in sums) > 0.9 * len(sums) if highest <= 1 else False
    return _form(
        "scored", table, positions, f"hold a score each, and a text has the labels from {cut:.12g} on", is_clear=not of_one, cut=cut
    )


def _scores(table: Table, positions: tuple[int, ...]) -> list[list[float | None]]:
    return [[parse_score(row[position]) for position in positions] for row in table.rows]


def _highest(rows: Sequence[Sequence[float | None]]) -> float:
    return max(score for scores in rows for score in scores if score is not None)


def _score_style(column: ColumnEvidence, *, wanted: bool) -> str | None:
    """ "scores" from 0 to 1; if that is wanted, also "votes": a few whole numbers from 0."""
    values = [parse_score(value) for value in column.profile.counts]
    if not values or None in values:
        return None
    if max(values) <= 1 and any(0 < value < 1 for value in values):
        return "scores"
    return "votes" if wanted and max(values) <= _MAX_VOTES and all(value == int(value) for value in values) else None


def _numbered(table: Table, columns: Sequence[ColumnEvidence], label: int | None, wanted: bool) -> LabelForm | None:
    groups: dict[str, list[ColumnEvidence]] = defaultdict(list)
    for column in columns:
        stem = name_stem(table.columns[column.position])
        if stem and column.name.role is None:
            groups[stem].append(column)
    for group in groups.values():
        positions = tuple(column.position for column in group)
        if len(group) < 2 or (label is not None and label not in positions) or not _holds_labels(group[0]):
            continue
        first = {value.casefold() for value in group[0].profile.counts}
        further = [{value.casefold() for value in column.profile.counts} for column in group[1:]]
        # Few texts have a third label, so how often it repeats says little.
        if any(len(values & first) < _MIN_SHARED * len(values) for values in further):
            continue
        rows = [[cell for position in positions if (cell := row[position].strip().casefold())] for row in table.rows]
        repeated = sum(len(set(labels)) < len(labels) for labels in rows)
        if not wanted and repeated > _MAX_REPEATED * sum(len(labels) > 1 for labels in rows):
            continue
        # Two teams play every game; few texts have as many labels as there are columns.
        is_ragged = any(column.profile.n_filled < group[0].profile.n_filled for column in group[1:])
        is_clear = is_ragged or group[0].name.label >= _ANSWER
        form = _form("numbered", table, positions, "hold one label each", is_clear=is_clear)
        if (form := _if_several(table, form, wanted)) is not None:
            return form
    return None


def _holds_labels(column: ColumnEvidence) -> bool:
    profile = column.profile
    return 0 < len(profile.counts) <= min(_MAX_LABELS, max(2, profile.n_filled / 2)) and profile.mean_chars <= _MAX_LABEL_CHARS


def _of_one_style(
    columns: Sequence[ColumnEvidence], style_of: Callable[[ColumnEvidence], str | None], label: int | None
) -> tuple[int, ...]:
    """The positions of all columns in the style of ``label``, or in that of most columns."""
    styles: dict[str, list[int]] = defaultdict(list)
    for column in columns:
        if (style := style_of(column)) is not None:
            styles[style].append(column.position)
    fitting = [positions for positions in styles.values() if label is None or label in positions]
    return tuple(max(fitting, key=len, default=[]))


def _longest_run(columns: Sequence[ColumnEvidence], style_of: Callable[[ColumnEvidence], str | None], label: int | None) -> tuple[int, ...]:
    """The positions of the longest run of columns side by side of one style; with ``label`` among them if it is given."""
    runs: list[tuple[str, list[int]]] = []
    for column in columns:
        style = style_of(column)
        if style is None:
            continue
        if runs and runs[-1][0] == style and runs[-1][1][-1] == column.position - 1:
            runs[-1][1].append(column.position)
        else:
            runs.append((style, [column.position]))
    fitting = [run for _, run in runs if label is None or label in run]
    return tuple(max(fitting, key=len, default=[]))


def _form(kind: str, table: Table, positions: tuple[int, ...], what: str, *, is_clear: bool, cut: float = 0.5) -> LabelForm:
    names = tuple(table.columns[position].strip() for position in positions)
    return LabelForm(kind, positions, f"the columns {quote_names(names, limit=6)} {what}", is_clear, names=names, cut=cut)


def _if_several(table: Table, form: LabelForm, wanted: bool) -> LabelForm | None:
    """The form with the number of rows that have several labels in its reason; None if there are too few of them."""
    return _with_count(table, form) if wanted or _count_several(table, form) >= max(2, _MIN_SEVERAL * len(table.rows)) else None


def _with_count(table: Table, form: LabelForm) -> LabelForm:
    n_several = _count_several(table, form)
    return replace(form, reason=f"{form.reason}; {pluralize(n_several, 'row')} {'has' if n_several == 1 else 'have'} several")


def _count_several(table: Table, form: LabelForm) -> int:
    return sum(labels is not None and len(labels) > 1 for labels in read_label_sets(table, form))
