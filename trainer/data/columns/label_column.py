"""Which column is the label: a few repeated values under a name that means label; and which other columns could be it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.columns.evidence import ColumnEvidence, are_split_names, list_columns, quote_column
from trainer.data.columns.profiles import ColumnProfile
from trainer.data.files.table import Table
from trainer.data.labels import is_date
from trainer.errors import FileError

_MAX_CANDIDATES = 20
_CLEAR_NAME = 1.5  # from this score on a name means a label; below, it may mean one ("type", "status")
_MAX_DATES = 0.2  # more of them are the dates of a log
_NAMED_LABEL = 2.25  # from this score on a column is named label, whatever it holds
_MIN_NAME_OF_DATES = _NAMED_LABEL  # then dates are taken for labels, which a spreadsheet may have made of "3-1"
_MAX_CODES = 200
_YEARS = (1_000, 2_100)
_SAMPLE_ROWS = 2_000  # for comparing two columns cell by cell


@dataclass(frozen=True)
class LabelGuess:
    """The position of the label column, the reason, and other columns that could be it, best first."""

    position: int
    reason: str
    confident: bool
    candidates: tuple[int, ...]


def guess_label_column(table: Table, columns: list[ColumnEvidence], text: int) -> LabelGuess:
    """The label column beside the text column. Raises UserError ``no_label_column`` or ``label_is_measurement``."""
    texts_are_reviews = columns[text].name.is_review
    others = [c for c in columns if c.position != text]
    scores = {c.position: score for c in others if (score := _label_score(c, texts_are_reviews)) is not None and score > 0}
    one_hot_columns = _find_one_hot_columns(others)
    # Three or more yes/no columns side by side are rarely anything but labels, one column for each.
    scores |= {c.position: scores[c.position] + 1.25 for c in one_hot_columns if c.profile.is_yes_no and c.position in scores}
    by_score = sorted((c for c in others if c.position in scores), key=lambda c: (-scores[c.position], c.position))
    equivalent_columns = _find_equivalent_columns(
        table, [c for c in by_score if c.profile.numeric <= 0.1][:12] + [c for c in by_score if c.profile.numeric > 0.1][:30]
    )
    ranked, constant = _without_constant([c for c in by_score if c.position not in equivalent_columns])
    measurement = _best_measurement(others)
    # A column that is named label is meant, even if its amounts cannot be learned.
    measurement_is_meant = (
        measurement is not None
        and measurement.name.label >= _NAMED_LABEL
        and all(c.name.label < measurement.name.label - 1 for c in ranked)
    )
    if not ranked or measurement_is_meant:
        return _last_resort(table, others, measurement)
    for position, other in equivalent_columns.items():
        scores[other] = max(scores[position], scores[other]) + 0.5
    ranked.sort(key=lambda c: (-scores[c.position], c.position))
    best = ranked[0]
    close = _close_candidates(table, ranked, constant, scores, texts_are_reviews=texts_are_reviews)
    amounts = measurement if measurement and measurement.name.label >= max(1.0, best.name.label) else None
    equivalent = [columns[position] for position, other in equivalent_columns.items() if other == best.position]
    confident = not close and best not in one_hot_columns and amounts is None and best.name.label > -1.5
    # The label may be inside a JSON object that could not be flattened.
    nested = best.name.label < 1 and any(c.profile.holds_json for c in others)
    confident = confident and not nested and not (best.profile.is_dominated and len(ranked) > 1) and best.profile.dates <= _MAX_DATES
    # An annotation may as well be the number of an annotation.
    weak_numbers = best.profile.numeric > 0.9 and not best.name.is_rating and 1.0 < best.name.label < _CLEAR_NAME and not equivalent
    confident = confident and not weak_numbers
    reason = _reason(table, best, equivalent, close, one_hot_columns if best in one_hot_columns else [], amounts)
    candidates = tuple(c.position for c in [*ranked[1:], *constant] if scores[c.position] > scores[best.position] - 2.0 or c in close)
    return LabelGuess(best.position, reason, confident, candidates[:_MAX_CANDIDATES])


def _close_candidates(
    table: Table, ranked: list[ColumnEvidence], constant: list[ColumnEvidence], scores: dict[int, float], *, texts_are_reviews: bool
) -> list[ColumnEvidence]:
    """The columns that are as likely the label as the best one, ``ranked[0]``."""
    best = ranked[0]
    best_score = scores[best.position]
    # Without names there is less to distinguish columns by.
    margin = 1.0 if table.header else 1.5
    # The topic of a review is as likely wanted as its stars; a pupil's class "7a" as much as the grade.
    rating_is_close = best.name.is_topic and (texts_are_reviews or best.profile.are_keys)
    weak_name = 0 < best.name.label < _CLEAR_NAME and not best.name.is_rating
    close = [
        c
        for c in ranked[1:]
        if scores[c.position] > best_score - margin
        or (rating_is_close and c.name.is_rating)
        or (weak_name and scores[c.position] > best_score - 2.0 and _is_plausible_by_content(c))
    ]
    return close + [
        c for c in constant if c.name.label >= _CLEAR_NAME or (c.profile.is_yes_no and c.name.label > -1 and best.name.label < _CLEAR_NAME)
    ]


def _without_constant(ranked: list[ColumnEvidence]) -> tuple[list[ColumnEvidence], list[ColumnEvidence]]:
    """The columns without those that have one value in nearly every row, and those, if others remain.

    A rare class under a good name (fraud, hate) stays, unless another column has as good a name.
    """
    name_scores = [c.name.label for c in ranked if not c.profile.is_dominated and c.name.role is None]
    if not name_scores:
        return ranked, []
    constant = [
        c
        for c in ranked
        if c.profile.is_dominated and (c.name.label < _CLEAR_NAME or max(name_scores) >= c.name.label or len(c.profile.counts) < 2)
    ]
    return [c for c in ranked if c not in constant], constant


def _is_plausible_by_content(column: ColumnEvidence) -> bool:
    """Whether a column could be a label by its content alone: a few repeated words, under a name that does not contradict it."""
    p = column.profile
    return (
        column.name.role is None and column.name.label > -1 and p.numeric <= 0.1 and not (p.are_keys or p.are_language_codes or p.is_yes_no)
    )


def _reason(
    table: Table,
    best: ColumnEvidence,
    equivalent: list[ColumnEvidence],
    close: list[ColumnEvidence],
    one_hot_columns: list[ColumnEvidence],
    amounts: ColumnEvidence | None,
) -> str:
    reason = _describe(table, best.profile)
    if equivalent:
        how = "numbers" if equivalent[0].profile.numeric > 0.9 else "other words"
        reason += f"; {quote_column(table, equivalent[0].position)} says the same in {how}"
    if one_hot_columns:
        what = "yes/no columns" if all(c.profile.is_yes_no for c in one_hot_columns) else "columns with the same few numbers"
        names = ", ".join(quote_column(table, c.position) for c in one_hot_columns[:6])
        others = " and more" if len(one_hot_columns) > 6 else ""
        return f"{reason}; there are several {what} ({names}{others}), of which only one can be learned"
    if close:
        return f"{reason}; {quote_column(table, close[0].position)} could be it too"
    if amounts:
        return f"{reason}; {quote_column(table, amounts.position)} holds amounts, which are no classes"
    return reason


def _find_one_hot_columns(columns: list[ColumnEvidence]) -> list[ColumnEvidence]:
    """Three or more columns of yes and no, or of the same few small numbers, as if each label had a column of its own."""
    one_hot_columns = []
    for column in columns:
        numbers = column.profile.whole_numbers
        few_numbers = bool(numbers) and numbers[0] >= -1 and numbers[-1] <= 5
        has_other_meaning = column.name.role is not None or column.name.label >= _NAMED_LABEL or column.name.is_rating
        if not has_other_meaning and column.profile.filled > 0.5 and (column.profile.is_yes_no or few_numbers):
            one_hot_columns.append(column)
    return one_hot_columns if len(one_hot_columns) > 2 else []


def _describe(table: Table, p: ColumnProfile) -> str:
    rows_per_value = len(table.rows) * p.filled / max(1, p.n_distinct)
    if p.separator:
        separator = {" ": "blank", "\n": "line break"}.get(p.separator, f"“{p.separator}”")
        return f"{p.n_distinct:,} different labels, several of them in one cell, with a {separator} between"
    return f"{p.n_distinct:,} different values, each about {rows_per_value:,.0f} times on average"


def _label_score(column: ColumnEvidence, texts_are_reviews: bool) -> float | None:
    """How much a column looks like labels; None rules it out, 0 and less is not enough."""
    p, name = column.profile, column.name
    if not p.n_filled or p.filled < 0.02 or (p.dates > _MAX_DATES and name.label < _MIN_NAME_OF_DATES):
        return None
    # Whole sentences may be labels, if the name says so and no more (they may describe one) and they repeat.
    if p.mean_chars > 80 and (name.label < _NAMED_LABEL or name.text > 0 or p.n_filled < 3 * p.n_distinct):
        return None
    if p.is_measurement or p.holds_json or are_split_names(p.counts):
        return None
    # Next to reviews people classify the stars.
    score = max(name.label, 2.5) if name.is_rating and texts_are_reviews else name.label
    repeats = p.n_filled / p.n_distinct
    if p.n_distinct < 2 or repeats < 1.5 or (p.n_distinct > 30 and repeats < 3) or p.n_distinct > 1_000:
        if score < _NAMED_LABEL:
            return None
        # Its name says label: later checks of its values can say more exactly what is wrong.
        score -= 2.0
    score += _content_score(p)
    score += 1.0 if p.n_distinct <= 30 else 0.5 if p.n_distinct <= 200 else 0.0
    score += 0.5 if repeats >= 10 else 0.0
    score -= 1.0 if p.mean_words > 4 and not p.separator else 0.0
    score -= 1.0 if p.dates > _MAX_DATES else 0.0
    return score - sum(p.filled < ratio for ratio in (0.9, 0.5, 0.2, 0.1))


def _content_score(p: ColumnProfile) -> float:
    """1 for words; less for numbers, keys and language codes, which may mean anything."""
    if p.is_yes_no:
        return 0.0
    if p.numeric > 0.9 and not p.separator:
        numbers = p.whole_numbers
        if not numbers:
            return -1.0
        if numbers[-1] >= 1_000:
            return -2.0  # years, ids
        if len(numbers) <= 10:
            return 0.0
        # Class numbers leave no gaps; counts and lengths do.
        gapless = numbers[0] in (0, 1) and numbers[-1] - numbers[0] < len(numbers)
        return -1.5 if not gapless else -0.5 if len(numbers) > 20 else 0.0
    if p.are_language_codes:
        return -1.0
    return (-0.25 if p.n_distinct <= 10 else -1.0) if p.are_keys else 1.0


def _find_equivalent_columns(table: Table, ranked: Sequence[ColumnEvidence]) -> dict[int, int]:
    """Columns that say the same as an earlier one (words come first, then numbers): position -> position of the earlier one."""
    equivalent: dict[int, int] = {}
    for number, first in enumerate(ranked):
        for other in ranked[number + 1 :]:
            if {first.position, other.position} & equivalent.keys() or not _are_equivalent(table, first.profile, other.profile):
                continue
            if other.profile.numeric > 0.9 and first.name.label < -1:
                continue
            equivalent[other.position] = first.position
    return equivalent


def _are_equivalent(table: Table, p: ColumnProfile, q: ColumnProfile) -> bool:
    """Whether each value of one column has one value of the other, like the number of a class and its name."""
    if (
        len(p.counts) != len(q.counts)
        or not 2 <= len(p.counts) <= 200
        or (p.numeric > 0.1 and q.numeric > 0.1)
        or (p.is_yes_no and q.is_yes_no and p.numeric == q.numeric)
    ):
        return False
    step = -(-len(table.rows) // _SAMPLE_ROWS)
    pairs = Counter((cells[p.position].strip(), cells[q.position].strip()) for cells in table.rows[::step])
    # A few typos do not make two different labels.
    common = {a: b for (a, b), _ in reversed(pairs.most_common())}
    agreeing = sum(n_rows for (a, b), n_rows in pairs.items() if common[a] == b)
    return len(common) > 1 and len(set(common.values())) == len(common) and agreeing >= 0.98 * pairs.total()


def _best_measurement(columns: list[ColumnEvidence]) -> ColumnEvidence | None:
    measurements = [c for c in columns if c.name.label >= -1 and c.profile.filled >= 0.3 and c.profile.is_measurement]
    return max(measurements, key=lambda c: (c.name.label, -c.position), default=None)


def _last_resort(table: Table, columns: list[ColumnEvidence], measurement: ColumnEvidence | None) -> LabelGuess:
    """An author, a place, a language or a label that is mostly empty: an unconfident guess if a file has no better column."""
    if measurement is not None:
        p = measurement.profile
        some = ", ".join(list(p.counts)[:3])
        name = quote_column(table, measurement.position)
        raise FileError(
            f"{f'The column {name}' if table.header else name.capitalize()} holds amounts ({len(p.counts):,} different numbers such as {some}), and "
            f"there is no other label column. A classifier learns groups, not amounts. Make a new column with groups such as low, middle and high, "
            f"and choose it as the label. Columns: {list_columns(table.columns)}.",
            code="label_is_measurement",
        )
    for column in columns:
        p, name = column.profile, column.name
        is_identity = name.role == "identity" and not name.is_split and p.numeric < 0.1 and not p.are_keys and p.filled >= 0.5
        # Only the first few rows are labelled so far.
        is_unfinished = name.label >= _NAMED_LABEL and not p.is_measurement
        min_repeats = 10 if is_identity else 2
        if (is_identity or is_unfinished) and 2 <= p.n_distinct <= 30 and p.n_filled >= min_repeats * p.n_distinct and p.dates < 0.2:
            if are_split_names(p.counts):
                continue
            return _unsure(table, column)
    possible = [c for c in columns if _may_be_codes(c)] or [c for c in columns if _may_be_odd_label(c)]
    if possible and (len(possible) == 1 or possible[0].name.role is None):
        return _unsure(table, possible[0])
    dates = [quote_column(table, c.position) for c in columns if c.profile.dates > _MAX_DATES]
    hint = f"{', '.join(dates[:3])} {'holds' if len(dates) == 1 else 'hold'} dates, which are rarely labels. " if dates else ""
    hint += "".join(f"{warning.message} " for warning in table.warnings if warning.code == "formulas_without_values")
    hint += "There is only one row. " if len(table.rows) == 1 else ""
    raise FileError(
        f"No label column was found. Columns: {list_columns(table.columns)}. {hint}"
        "A label column has a few repeated values; pick it by hand, or add one.",
        code="no_label_column",
    )


def _unsure(table: Table, column: ColumnEvidence) -> LabelGuess:
    reason = f"{_describe(table, column.profile)}; nothing else looks like a label"
    return LabelGuess(column.position, reason, confident=False, candidates=())


def _may_be_codes(column: ColumnEvidence) -> bool:
    """Whether a column may hold class codes ("0110") or decades, under a name that says nothing else."""
    return _repeats(column) and column.name.role is None and column.name.label > -1 and column.profile.dates <= _MAX_DATES


def _may_be_odd_label(column: ColumnEvidence) -> bool:
    """Whether a column may be the label for want of any other: ages, countries, years, or dates that a spreadsheet made of labels."""
    p, name = column.profile, column.name
    if name.role == "measure":
        are_years = bool(p.whole_numbers) and p.whole_numbers[0] >= _YEARS[0] and p.whole_numbers[-1] <= _YEARS[1]
        # Sizes such as "1-3" and "7+", of which a spreadsheet makes "2025-01-03" and "7+".
        return _repeats(column) and (are_years or 0 < sum(map(is_date, p.counts)) < len(p.counts))
    return _repeats(column) and not p.whole_numbers and not name.is_split and (not p.are_keys or all(map(is_date, p.counts)))


def _repeats(column: ColumnEvidence) -> bool:
    p = column.profile
    repeats = 2 <= p.n_distinct <= _MAX_CODES and p.n_filled >= 3 * p.n_distinct and p.filled >= 0.5 and p.mean_chars <= 40
    return repeats and not (p.is_measurement or p.holds_json or are_split_names(p.counts))
