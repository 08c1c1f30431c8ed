"""Preparation: a draft's files read and understood, up to the corpus and its splits.

Pure reading: changes to a draft are the studio's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from trainer.data.checks import Finding, check
from trainer.data.columns import Columns, find_column, guess_columns, guess_split_column
from trainer.data.corpus import Corpus, build_corpus, join_corpora
from trainer.data.reading import Table, read_file
from trainer.data.splitting import Splits, split
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.draft import Draft, DraftStore, SourceFile
from trainer.settings import Settings


@dataclass(frozen=True)
class Preparation:
    """What the page shows of a draft and what a run is made from."""

    draft: Draft
    table: Table
    columns: Columns | None
    corpus: Corpus | None
    findings: tuple[Finding, ...]
    problem: UserError | None
    """Why there is no corpus yet; choosing other columns may help."""
    _splits: dict[tuple[float, float, int], Splits] = field(default_factory=dict, compare=False, repr=False)

    def require_corpus(self) -> Corpus:
        if self.corpus is None:
            raise self.problem or UserError("This file is not ready for training.", code="not_ready")
        return self.corpus

    def splits(self, recipe: Recipe) -> Splits:
        """The corpus split as the recipe says; worked out once for each choice."""
        wanted = (recipe.validation_share, recipe.test_share, recipe.seed)
        if wanted not in self._splits:
            self._splits[wanted] = split(self.require_corpus(), validation_share=wanted[0], test_share=wanted[1], seed=wanted[2])
        return self._splits[wanted]


def read_tables(drafts: DraftStore, draft: Draft, settings: Settings) -> dict[str, Table]:
    """The draft's files by role: "main" and, where given, "validation" and "test"."""
    sources = {"main": draft.main, "validation": draft.validation, "test": draft.test}
    return {role: _read(drafts.path(draft, s), s, settings) for role, s in sources.items() if s is not None}


def understand(draft: Draft, tables: Mapping[str, Table], settings: Settings) -> Preparation:
    """Columns, corpus and findings of a draft. Where a file cannot be trained on, ``problem`` says why."""
    main = tables["main"]
    columns = None
    try:
        columns = _columns(main, draft.main)
        limits = {"class_names": draft.class_names, "max_classes": settings.max_classes}
        corpus = build_corpus(main, text=columns.text, label=columns.label, split_column=_split_column(main, draft), **limits)
        given = {}
        for role in ("validation", "test"):
            if role in tables:
                text, label = _same_columns(tables[role], main, columns, getattr(draft, role).name)
                given[role] = build_corpus(tables[role], text=text, label=label, whole=False, **limits)
        if given:
            corpus = join_corpora(corpus, validation=given.get("validation"), test=given.get("test"))
    except UserError as error:
        return Preparation(draft, main, columns, None, (), error)
    return Preparation(draft, main, columns, corpus, tuple(check(main, columns, corpus)), None)


def _read(path: Path, source: SourceFile, settings: Settings) -> Table:
    try:
        return read_file(path, **settings.file_limits)
    except UserError as error:
        raise UserError(f"{source.name}: {error.message}", code=error.code) from error


def _columns(table: Table, source: SourceFile) -> Columns:
    """The chosen columns; what was not chosen is guessed."""
    guess = guess_columns(table, text=_position(table, source.text, "text"), label=_position(table, source.label, "label"))
    if guess.text == guess.label:
        raise UserError(
            f"The text and the label cannot be the same column (“{table.columns[guess.text]}”). Choose two different ones.",
            code="same_column",
        )
    return guess


def _position(table: Table, chosen: str | int | None, what: str) -> int | None:
    """A choice as a position; a number is one already."""
    if isinstance(chosen, int) and 0 <= chosen < len(table.columns):
        return chosen
    return None if chosen is None else find_column(table, str(chosen), what)


def _split_column(table: Table, draft: Draft) -> int | None:
    """The column that says train, validation or test, where the file has one and no files were given for that."""
    return guess_split_column(table) if draft.validation is None and draft.test is None else None


def _same_columns(table: Table, main: Table, columns: Columns, name: str) -> tuple[int, int]:
    """In a given test or validation file, the columns of the same names, else of the same positions."""
    found = []
    for position in (columns.text, columns.label):
        wanted = main.columns[position]
        if table.header and main.header and wanted in table.columns:
            found.append(table.columns.index(wanted))
        elif position < len(table.columns) and len(table.columns) == len(main.columns):
            found.append(position)
        else:
            raise UserError(
                f"{name} has no column “{wanted}”. Its columns: {', '.join(table.columns)}. Give it the same columns as the training file.",
                code="unknown_column",
            )
    return found[0], found[1]


def numeric_labels(preparation: Preparation, *, most: int = 50) -> tuple[str, ...]:
    """The labels as written, where all of them are whole numbers (so that a person may want to name them); else none."""
    if preparation.columns is None:
        return ()
    written = {row[preparation.columns.label].strip() for row in preparation.table.rows} - {""}
    if not written or len(written) > most or not all(w.removeprefix("-").isdecimal() for w in written):
        return ()
    return tuple(sorted(written, key=int))
