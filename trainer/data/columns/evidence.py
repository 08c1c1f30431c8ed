"""What is known of each column: the profile of its cells and the scores of its name; and columns in messages."""

from collections import Counter
from dataclasses import dataclass

from trainer.data.column_name_words import SPLIT_NAMES
from trainer.data.columns.names import ColumnNameScores, score_column_names
from trainer.data.columns.profiles import ColumnProfile, profile_columns
from trainer.data.files.table import Table


@dataclass(frozen=True)
class ColumnEvidence:
    """What is known of one column: the profile of its cells and the scores of its name."""

    profile: ColumnProfile
    name: ColumnNameScores

    @property
    def position(self) -> int:
        return self.profile.position


def gather_evidence(table: Table) -> list[ColumnEvidence]:
    """The evidence on each column of a table; without a header the names say nothing."""
    names = score_column_names(table.columns) if table.header else [ColumnNameScores()] * len(table.columns)
    return [ColumnEvidence(profile, name) for profile, name in zip(profile_columns(table), names, strict=True)]


def are_split_names(counts: Counter[str]) -> bool:
    """Whether the values of a column, with how often each occurs, are names of splits."""
    known = sum(n_rows for value, n_rows in counts.items() if value.strip().casefold() in SPLIT_NAMES)
    return known >= 0.9 * counts.total() > 0


def quote_column(table: Table, position: int) -> str:
    """A column for a message: its name in quotation marks, or its position without a header."""
    return f"“{table.columns[position][:40]}”" if table.header else f"column {table.columns[position]}"


def list_columns(columns: tuple[str, ...]) -> str:
    """Column names for a message, cut if they are long or many."""
    shown = ", ".join(name if len(name) <= 40 else f"{name[:39]}…" for name in columns[:20])
    return shown if len(columns) <= 20 else f"{shown} and {len(columns) - 20:,} more"
