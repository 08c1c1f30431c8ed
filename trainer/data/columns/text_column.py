"""Which column is the text: the longest and least repetitive texts, under a name that means text."""

import math
from dataclasses import dataclass

from trainer.data.columns.evidence import ColumnEvidence, list_columns, quote_column
from trainer.data.files.table import Table
from trainer.errors import FileError

_MIN_CANDIDATE_SCORE = 0.3  # of the best score
_MIN_CANDIDATE_DISTINCT = 0.2


@dataclass(frozen=True)
class TextGuess:
    """The position of the text column, the reason, and other columns of texts, best first."""

    position: int
    reason: str
    confident: bool
    candidates: tuple[int, ...]


def guess_text_column(table: Table, columns: list[ColumnEvidence]) -> TextGuess:
    """The text column among ``columns``. Raises UserError ``no_text_column``."""
    # Of two columns one is the text, so short texts are accepted too.
    min_words = 1.3 if len(table.columns) == 2 else 3.0
    ranked = sorted(
        ((score, c) for c in columns if (score := _text_score(c, min_words)) > 0), key=lambda pair: (-pair[0], pair[1].position)
    )
    if not ranked and len(table.columns) == 2 and (short := _short_texts(columns)):
        return TextGuess(short.position, "short texts, many of them different from row to row", confident=False, candidates=())
    if not ranked:
        raise FileError(
            f"No text column was found. Columns: {list_columns(table.columns)}. "
            "A text column holds sentences, mostly different from row to row; pick it by hand, or choose another file.",
            code="no_text_column",
        )
    score, best = ranked[0]
    p = best.profile
    second = ranked[1] if len(ranked) > 1 else None
    confident = second is None or second[0] <= 0.75 * score or best.name.text > second[1].name.text
    # The text may be inside a JSON object that could not be flattened.
    confident = confident and not p.holds_json and (best.name.text >= 1 or not any(c.profile.holds_json for c in columns))
    length = f"about {p.mean_words:,.0f} words in each" if p.mean_words >= 1.5 else f"about {p.mean_chars:,.0f} characters in each"
    reason = f"{'longest texts' if len(columns) > 2 else 'texts'}, mostly different from row to row ({length})"
    if p.n_distinct < 0.5 * p.n_filled:
        reason = f"longest texts ({length})"
    if second and not confident:
        reason += f"; {quote_column(table, second[1].position)} could be it too"
    candidates = [c.position for candidate_score, c in ranked[1:] if _is_candidate(c, candidate_score, score)]
    return TextGuess(best.position, reason, confident, tuple(candidates))


def _short_texts(columns: list[ColumnEvidence]) -> ColumnEvidence | None:
    """The column of single words, such as names, beside one of far fewer values."""
    ranked = sorted(columns, key=lambda c: -len(c.profile.counts))
    p = ranked[0].profile
    are_words = p.filled >= 0.5 and p.numeric <= 0.1 and p.dates <= 0.1 and p.mean_words >= 0.9 and not p.are_keys and not p.holds_json
    is_varied = len(p.counts) >= max(10, 0.3 * p.n_filled) and all(len(c.profile.counts) <= len(p.counts) / 3 for c in ranked[1:])
    return ranked[0] if are_words and is_varied else None


def _is_candidate(column: ColumnEvidence, score: float, best_score: float) -> bool:
    """Whether a column holds texts that may be wanted beside the best ones, such as the subject of a mail."""
    p = column.profile
    return (
        score >= _MIN_CANDIDATE_SCORE * best_score
        and p.mean_words >= 2
        and not p.holds_json
        and (column.name.role is None or column.name.text > 0)
        and len(p.counts) >= _MIN_CANDIDATE_DISTINCT * p.n_filled
    )


def _text_score(column: ColumnEvidence, min_words: float) -> float:
    """How much a column looks like texts; 0 rules it out. Length counts by its logarithm, repeated values count less."""
    p, name_score = column.profile, _text_name_score(column)
    if not p.n_filled or p.filled < 0.2 or p.numeric > 0.5 or name_score < 0 or (p.dates > 0.9 and p.mean_words < 6):
        return 0.0
    distinct = len(p.counts) / p.n_filled
    if p.mean_words < (1.3 if name_score >= 1 else min_words) or (distinct < 0.1 and p.n_filled >= 50 and name_score < 1):
        return 0.0
    length = math.log2(1 + p.mean_words) * (0.2 if p.holds_json else 0.5 if column.name.is_secondary_text else 1.0)
    return length * (0.3 + 0.7 * distinct) * (0.5 + 0.5 * p.filled) + name_score


def _text_name_score(column: ColumnEvidence) -> float:
    name, mean_words = column.name, column.profile.mean_words
    if name.role and mean_words < (2.0 if name.text > 1 else 4.0):
        return -1.0
    return name.text if name.role != "measure" else 0.0
