"""A column that says in words what each label means, as annotation tools and data sets give it beside the label. Guesses no text and no label."""

from collections.abc import Collection, Mapping, Sequence

from trainer.data.files.table import Record

MAX_CHARS = 500
"""Of a definition."""
_MIN_ROWS_PER_CLASS = 2
_MIN_WORDS = 3
"""Of a definition, on average; a column of names is no definition."""


def columns_of_definitions(rows: Sequence[Record], labels: Sequence[str | None], used: Collection[int]) -> dict[int, dict[str, str]]:
    """The columns that may say what labels mean, each with its words by label; somebody may choose one.

    ``rows`` are those of a table, ``labels`` their labels, None for rows without one; ``used`` are the columns of texts and labels. Such a column
    has the same words in all rows of a label that have any, other words for each label, and words for at least two labels: not only numbers.
    """
    names = {label for label in labels if label is not None}
    if len(names) < 2 or sum(label is not None for label in labels) < _MIN_ROWS_PER_CLASS * len(names):
        return {}
    by_column = {column: _definitions(rows, labels, column) for column in range(len(rows[0])) if column not in used}
    return {column: found for column, found in by_column.items() if len(found) > 1 and any(map(_has_letters, found.values()))}


def find_definitions(by_column: Mapping[int, Mapping[str, str]], labels: Collection[str]) -> dict[str, str]:
    """What each of the ``labels`` means by the most explicit of these columns, as ``columns_of_definitions`` gives them; empty if no column has words
    for every label that are more than a name."""
    found: Mapping[str, str] = {}
    for definitions in by_column.values():
        n_words = sum(len(words.split()) for words in definitions.values())
        if definitions.keys() == set(labels) and _MIN_WORDS * len(definitions) <= n_words > sum(
            len(words.split()) for words in found.values()
        ):
            found = definitions
    return dict(found)


def _has_letters(words: str) -> bool:
    return any(character.isalpha() for character in words)


def _definitions(rows: Sequence[Record], labels: Sequence[str | None], column: int) -> dict[str, str]:
    """The words of a column by label; empty as soon as two rows disagree."""
    found: dict[str, str] = {}
    for row, label in zip(rows, labels, strict=True):
        words = " ".join(row[column].split())
        if label is not None and words and found.setdefault(label, words) != words:
            return {}
    differ = len(set(found.values())) == len(found)
    return found if differ and all(len(words) <= MAX_CHARS for words in found.values()) else {}
