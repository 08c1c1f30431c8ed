"""Which column is the text and which the label, judged by content first and by name second, with the reason in words.

Changes no cell; a guess that is not clear says so (``confident``), and a person can always name the columns instead.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.columns.names import ColumnNameScores, score_column_names
from trainer.data.columns.profiles import ColumnProfile, profile_columns
from trainer.data.corpus import SPLIT_NAMES
from trainer.data.files.reading import Table
from trainer.data.files.table import why_dropped
from trainer.errors import UserError

_MAX_CANDIDATES = 20
_CLEAR_NAME_SCORE = 1.5  # from here on a name says label, and not only perhaps ("type", "status")
_SAMPLE_ROWS = 2_000  # for comparing two columns cell by cell


@dataclass(frozen=True)
class Columns:
    """Positions of the text and the label column, each with the reason in words; ``confident`` is False where a person should look.

    ``candidates``: other columns that could be the label, best first. ``extra_text_columns``: further texts joined to the text, as a person chose.
    """

    text: int
    label: int
    text_reason: str
    label_reason: str
    confident: bool
    candidates: tuple[int, ...] = ()
    extra_text_columns: tuple[int, ...] = ()


def guess_columns(table: Table, *, text: int | None = None, label: int | None = None) -> Columns:
    """The text and the label column; one that is given is kept.

    Raises UserError ``one_column``, ``no_rows``, ``no_text_column``, ``no_label_column``, ``label_is_measurement`` or ``same_column``.
    """
    if len(table.columns) < 2:
        raise UserError(
            f"I found only one column: {_listed(table.columns)}. Training needs a column of texts and a column of labels, "
            "separated by a comma, a semicolon, a tab or a vertical bar. Add the missing column, or check how the file was exported.",
            code="one_column",
        )
    if not table.rows:
        message = f"The file has columns ({_listed(table.columns)}) but no rows that can be used{why_dropped(table.dropped)}. "
        raise UserError(f"{message}Choose a file with one row per text.", code="no_rows")
    if text is not None and label is not None:
        if text == label:
            raise UserError(
                f"The column {_quoted(table, text)} cannot be both the text and the label. Choose two columns.", code="same_column"
            )
        return Columns(text, label, "chosen by you", "chosen by you", confident=True)
    hints = score_column_names(table.columns) if table.header else [ColumnNameScores()] * len(table.columns)
    columns = [_Column(profile, hint) for profile, hint in zip(profile_columns(table), hints, strict=True)]
    text_reason, text_sure = "chosen by you", True
    if text is None:
        text, text_reason, text_sure = _guess_text(table, [c for c in columns if c.position != label])
    if label is not None:
        return Columns(text, label, text_reason, "chosen by you", text_sure)
    found = _guess_label(table, columns, text)
    return Columns(text, found.position, text_reason, found.reason, text_sure and found.confident, found.candidates)


def find_column(table: Table, name_or_position: str, what: str) -> int:
    """The position of the column that a person named: its exact name, its name but for case and blanks, or its position from 0.

    ``what`` is "text" or "label", for the sentence. Raises UserError ``unknown_column``.
    """
    wanted = str(name_or_position)
    if wanted in table.columns:
        return table.columns.index(wanted)
    loose = ["".join(name.casefold().split()) for name in table.columns]
    bare = "".join(wanted.casefold().split())
    if bare in loose:
        return loose.index(bare)
    if bare.isascii() and bare.isdigit() and len(bare) < 9 and int(bare) < len(table.columns):
        return int(bare)
    raise UserError(
        f"There is no {what} column “{wanted[:60]}”. Columns: {_listed(table.columns)}. "
        f"Give one of these names, or a position from 0 to {len(table.columns) - 1}.",
        code="unknown_column",
    )


def guess_split_column(table: Table) -> int | None:
    """The column that says which rows are for training, validation and test, by its values; None without one.

    A few cells may be empty or say something else: what is not clearly for training is then not trained on (see ``build_corpus``).
    """
    for position in range(len(table.columns)):
        # One look at a few rows spares reading every column of a large file.
        if _are_split_names(Counter(cells[position] for cells in table.rows[:100])):
            values = Counter(cells[position] for cells in table.rows)
            named = {SPLIT_NAMES.get(value.strip().casefold()) for value in values} - {None}
            if _are_split_names(values) and "train" in named and len(named) > 1:
                return position
    return None


def _are_split_names(values: Counter[str]) -> bool:
    known = sum(count for value, count in values.items() if value.strip().casefold() in SPLIT_NAMES)
    return known >= 0.9 * values.total() > 0


@dataclass(frozen=True)
class _Column:
    profile: ColumnProfile
    name: ColumnNameScores

    @property
    def position(self) -> int:
        return self.profile.position


# --- the text ---------------------------------------------------------------------------------------------------------


def _guess_text(table: Table, columns: list[_Column]) -> tuple[int, str, bool]:
    # Of two columns one is the text, so short ones are believed too.
    least = 1.3 if len(table.columns) == 2 else 3.0
    ranked = sorted(((score, c) for c in columns if (score := _text_score(c, least)) > 0), key=lambda pair: (-pair[0], pair[1].position))
    if not ranked:
        raise UserError(
            f"I could not find a text column. Columns: {_listed(table.columns)}. "
            "A text column holds sentences, mostly different from row to row; pick it by hand, or choose another file.",
            code="no_text_column",
        )
    score, best = ranked[0]
    p = best.profile
    rival = ranked[1] if len(ranked) > 1 else None
    confident = rival is None or rival[0] <= 0.75 * score or best.name.text > rival[1].name.text
    # The text may stand within an object that could not be taken apart.
    confident = confident and not p.structured and (best.name.text >= 1 or not any(c.profile.structured for c in columns))
    about = f"about {p.words:,.0f} words in each" if p.words >= 1.5 else f"about {p.chars:,.0f} characters in each"
    reason = f"{'longest texts' if len(columns) > 2 else 'texts'}, mostly different from row to row ({about})"
    if p.distinct < 0.5 * p.count:
        reason = f"longest texts ({about})"
    if rival and not confident:
        reason += f"; {_quoted(table, rival[1].position)} could be it too"
    return best.position, reason, confident


def _text_score(column: _Column, least_words: float) -> float:
    """How much a column looks like texts; 0 rules it out. Length counts by its logarithm, values that repeat count less."""
    p, hint = column.profile, _text_hint(column)
    if not p.count or p.filled < 0.2 or p.numeric > 0.5 or hint < 0 or (p.dates > 0.9 and p.words < 6):
        return 0.0
    different = len(p.counts) / p.count
    if p.words < (1.3 if hint >= 1 else least_words) or (different < 0.1 and p.count >= 50 and hint < 1):
        return 0.0
    length = math.log2(1 + p.words) * (0.2 if p.structured else 0.5 if column.name.second else 1.0)
    return length * (0.3 + 0.7 * different) * (0.5 + 0.5 * p.filled) + hint


def _text_hint(column: _Column) -> float:
    name, words = column.name, column.profile.words
    if name.kind and words < (2.0 if name.text > 1 else 4.0):
        return -1.0
    return name.text if name.kind != "measure" else 0.0


# --- the label --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _LabelGuess:
    position: int
    reason: str
    confident: bool
    candidates: tuple[int, ...]


def _guess_label(table: Table, columns: list[_Column], text: int) -> _LabelGuess:
    reviews = columns[text].name.review
    candidates = [c for c in columns if c.position != text]
    scores = {c.position: score for c in candidates if (score := _label_score(c, reviews)) is not None and score > 0}
    parallel = _find_one_hot_columns(candidates)
    # Three and more yes/no columns side by side are seldom anything but labels, one column for each.
    scores |= {c.position: scores[c.position] + 1.25 for c in parallel if c.profile.yes_no and c.position in scores}
    by_score = sorted((c for c in candidates if c.position in scores), key=lambda c: (-scores[c.position], c.position))
    twins = _find_equivalent_columns(
        table, [c for c in by_score if c.profile.numeric <= 0.1][:12] + [c for c in by_score if c.profile.numeric > 0.1][:30]
    )
    ranked, constant = _separate_constant([c for c in by_score if c.position not in twins])
    measurement = _best_measurement(candidates)
    # A column that is called the label is meant, even where its amounts cannot be learned.
    meant = measurement is not None and measurement.name.label >= 2.25 and all(c.name.label < measurement.name.label - 1 for c in ranked)
    if not ranked or meant:
        return _fallback_label(table, candidates, measurement)
    for twin, other in twins.items():
        scores[other] = max(scores[twin], scores[other]) + 0.5
    ranked.sort(key=lambda c: (-scores[c.position], c.position))
    best = ranked[0]
    top = scores[best.position]
    # Without names there is less to tell columns apart by.
    margin = 1.0 if table.header else 1.5
    # The kind of thing that a review is about is as likely wanted as its stars; the class 7a of a pupil as much as the mark.
    beside = best.name.thing and (reviews or best.profile.codes)
    weak = 0 < best.name.label < _CLEAR_NAME_SCORE and not best.name.rating
    near = [
        c
        for c in ranked[1:]
        if scores[c.position] > top - margin
        or (beside and c.name.rating)
        or (weak and scores[c.position] > top - 2.0 and _is_plausible_label(c))
    ]
    near += [
        c
        for c in constant
        if c.name.label >= _CLEAR_NAME_SCORE or (c.profile.yes_no and c.name.label > -1 and best.name.label < _CLEAR_NAME_SCORE)
    ]
    amounts = measurement if measurement and measurement.name.label >= max(1.0, best.name.label) else None
    same = [columns[twin] for twin, other in twins.items() if other == best.position]
    confident = not near and best not in parallel and amounts is None and best.name.label > -1.5
    # The label may stand within an object that could not be taken apart.
    nested = best.name.label < 1 and any(c.profile.structured for c in candidates)
    confident = confident and not nested and not (best.profile.dominated and len(ranked) > 1)
    reason = _reason(table, best, same, near, parallel if best in parallel else [], amounts)
    candidates = tuple(c.position for c in [*ranked[1:], *constant] if scores[c.position] > top - 2.0 or c in near)[:_MAX_CANDIDATES]
    return _LabelGuess(best.position, reason, confident, candidates)


def _separate_constant(ranked: list[_Column]) -> tuple[list[_Column], list[_Column]]:
    """The candidates without those that say the same in nearly every row, and those, where others remain.

    A rare class under a good name (fraud, hate) stays, unless another column has as good a name.
    """
    others = [c.name.label for c in ranked if not c.profile.dominated and c.name.kind is None]
    if not others:
        return ranked, []
    constant = [
        c
        for c in ranked
        if c.profile.dominated and (c.name.label < _CLEAR_NAME_SCORE or max(others) >= c.name.label or len(c.profile.counts) < 2)
    ]
    return [c for c in ranked if c not in constant], constant


def _is_plausible_label(column: _Column) -> bool:
    """Whether a column could well be a label by its content alone: a few words that come back, under a name that does not speak against it."""
    p = column.profile
    return column.name.kind is None and column.name.label > -1 and p.numeric <= 0.1 and not (p.codes or p.languages or p.yes_no)


def _reason(table: Table, best: _Column, same: list[_Column], near: list[_Column], parallel: list[_Column], amounts: _Column | None) -> str:
    reason = _describe(table, best.profile)
    if same:
        reason += f"; {_quoted(table, same[0].position)} says the same in {'numbers' if same[0].profile.numeric > 0.9 else 'other words'}"
    if parallel:
        what = "yes/no columns" if all(c.profile.yes_no for c in parallel) else "columns with the same few numbers"
        named = ", ".join(_quoted(table, c.position) for c in parallel[:6])
        return f"{reason}; there are several {what} ({named}{' and more' if len(parallel) > 6 else ''}), of which only one can be learned"
    if near:
        return f"{reason}; {_quoted(table, near[0].position)} could be it too"
    if amounts:
        return f"{reason}; {_quoted(table, amounts.position)} holds amounts, which are no classes"
    return reason


def _find_one_hot_columns(candidates: list[_Column]) -> list[_Column]:
    """Three or more columns of yes and no, or of the same few small numbers, as where each label has a column of its own."""
    found = []
    for column in candidates:
        numbers = column.profile.whole_numbers
        few = bool(numbers) and numbers[0] >= -1 and numbers[-1] <= 5
        named = column.name.kind is not None or column.name.label >= 2.25 or column.name.rating
        if not named and column.profile.filled > 0.5 and (column.profile.yes_no or few):
            found.append(column)
    return found if len(found) > 2 else []


def _describe(table: Table, p: ColumnProfile) -> str:
    times = len(table.rows) * p.filled / max(1, p.distinct)
    if p.separator:
        sign = {" ": "blank", "\n": "line break"}.get(p.separator, f"“{p.separator}”")
        return f"{p.distinct:,} different labels, several of them in one cell, with a {sign} between"
    return f"{p.distinct:,} different values, each about {times:,.0f} times on average"


def _label_score(column: _Column, reviews: bool) -> float | None:
    """How much a column looks like labels; None rules it out, 0 and less is too little to go by."""
    p, name = column.profile, column.name
    if not p.count or p.filled < 0.02 or p.chars > 80 or p.dates > 0.2 or p.measurement or p.structured or _are_split_names(p.counts):
        return None
    # Beside reviews the stars are what people classify.
    score = max(name.label, 2.5) if name.rating and reviews else name.label
    repeats = p.count / p.distinct
    if p.distinct < 2 or repeats < 1.5 or (p.distinct > 30 and repeats < 3) or p.distinct > 1_000:
        if score < 2.25:
            return None
        # Its name says label: whoever looks at its values then can say more exactly what is wrong with them.
        score -= 2.0
    score += _content_score(p)
    score += 1.0 if p.distinct <= 30 else 0.5 if p.distinct <= 200 else 0.0
    score += 0.5 if repeats >= 10 else 0.0
    score -= 1.0 if p.words > 4 and not p.separator else 0.0
    return score - sum(p.filled < share for share in (0.9, 0.5, 0.2, 0.1))


def _content_score(p: ColumnProfile) -> float:
    """1 for words; less for numbers, keys and codes of languages, which may stand for anything."""
    if p.yes_no:
        return 0.0
    if p.numeric > 0.9 and not p.separator:
        numbers = p.whole_numbers
        if not numbers:
            return -1.0
        if numbers[-1] >= 1_000:
            return -2.0  # years, ids
        if len(numbers) <= 10:
            return 0.0
        # Numbers of classes leave no gaps; counts and lengths do.
        gapless = numbers[0] in (0, 1) and numbers[-1] - numbers[0] < len(numbers)
        return -1.5 if not gapless else -0.5 if len(numbers) > 20 else 0.0
    if p.languages:
        return -1.0
    return (-0.25 if p.distinct <= 10 else -1.0) if p.codes else 1.0


def _find_equivalent_columns(table: Table, ranked: Sequence[_Column]) -> dict[int, int]:
    """Columns that say the same as one before them in the order given (words first, then numbers): position -> position of that one."""
    twins: dict[int, int] = {}
    for place, best in enumerate(ranked):
        for other in ranked[place + 1 :]:
            if {best.position, other.position} & twins.keys() or not _are_equivalent(table, best.profile, other.profile):
                continue
            if other.profile.numeric > 0.9 and best.name.label < -1:
                continue
            twins[other.position] = best.position
    return twins


def _are_equivalent(table: Table, p: ColumnProfile, q: ColumnProfile) -> bool:
    """Whether each value of one goes with one value of the other, as the number of a class goes with its name."""
    if (
        len(p.counts) != len(q.counts)
        or not 2 <= len(p.counts) <= 200
        or (p.numeric > 0.1 and q.numeric > 0.1)
        or (p.yes_no and q.yes_no and p.numeric == q.numeric)
    ):
        return False
    step = -(-len(table.rows) // _SAMPLE_ROWS)
    pairs = Counter((cells[p.position].strip(), cells[q.position].strip()) for cells in table.rows[::step])
    # A few slips of the pen do not make two labels of one.
    common = {a: b for (a, b), _ in reversed(pairs.most_common())}
    agreeing = sum(count for (a, b), count in pairs.items() if common[a] == b)
    return len(common) > 1 and len(set(common.values())) == len(common) and agreeing >= 0.98 * pairs.total()


def _best_measurement(candidates: list[_Column]) -> _Column | None:
    measured = [c for c in candidates if c.name.label >= -1 and c.profile.filled >= 0.3 and c.profile.measurement]
    return max(measured, key=lambda c: (c.name.label, -c.position), default=None)


def _fallback_label(table: Table, candidates: list[_Column], measurement: _Column | None) -> _LabelGuess:
    """Who wrote it, where, in which language, or a label that is mostly empty: learned after a look where a file has nothing else."""
    if measurement is not None:
        p = measurement.profile
        some = ", ".join(list(p.counts)[:3])
        named = _quoted(table, measurement.position)
        raise UserError(
            f"{f'The column {named}' if table.header else named.capitalize()} holds amounts ({len(p.counts):,} different numbers such as {some}), and "
            f"I found no other label. A classifier learns groups, not amounts. Make a new column with groups such as low, middle and high, "
            f"and choose it as the label. Columns: {_listed(table.columns)}.",
            code="label_is_measurement",
        )
    for column in candidates:
        p, name = column.profile, column.name
        who = name.kind == "who" and not name.split and p.numeric < 0.1 and not p.codes and p.filled >= 0.5
        # Labels of the first few rows only, the rest still to do.
        begun = name.label >= 2.25 and not p.measurement
        if (who or begun) and 2 <= p.distinct <= 30 and p.count >= (10 if who else 2) * p.distinct and p.dates < 0.2:
            if _are_split_names(p.counts):
                continue
            return _LabelGuess(column.position, f"{_describe(table, p)}; nothing else looks like a label", confident=False, candidates=())
    raise UserError(
        f"I could not find a label column. Columns: {_listed(table.columns)}. "
        "A label column has a few repeated values; pick it by hand, or add one.",
        code="no_label_column",
    )


def _quoted(table: Table, position: int) -> str:
    return f"“{table.columns[position][:40]}”" if table.header else f"column {table.columns[position]}"


def _listed(columns: tuple[str, ...]) -> str:
    shown = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in columns[:20])
    return shown if len(columns) <= 20 else f"{shown} and {len(columns) - 20:,} more"
