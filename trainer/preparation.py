"""Preparation: a draft's files read, understood and repaired, up to the corpus and its splits.

Pure reading: changes to a draft are the studio's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from trainer.data.checks import check
from trainer.data.choice import choose_columns
from trainer.data.columns import Columns, guess_split_column
from trainer.data.corpus import Corpus, build_corpus, check_trainable, join_corpora
from trainer.data.duplicates import near_groups
from trainer.data.files.reading import Table, read_file
from trainer.data.findings import Finding
from trainer.data.repairs import Repaired, apply_repairs
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
    repaired: Repaired | None
    """The corpus after the draft's repairs, with what they changed."""
    findings: tuple[Finding, ...]
    """Of the repaired corpus. What a person accepted as it is no longer asks to be fixed."""
    problem: UserError | None
    """Why nothing can be trained yet; choosing other columns or a repair may help."""
    groups: np.ndarray | None = field(default=None, compare=False, repr=False)
    """(n,) the near-duplicate group of each row of the corpus."""
    _splits: dict[tuple[float, float, int], Splits] = field(default_factory=dict, compare=False, repr=False)

    @property
    def corpus(self) -> Corpus | None:
        return None if self.repaired is None else self.repaired.corpus

    @property
    def must_fix(self) -> tuple[Finding, ...]:
        """What stands between this file and a training that means something."""
        return tuple(finding for finding in self.findings if finding.severity == "must_fix")

    @property
    def ready(self) -> bool:
        """Whether Start may be pressed."""
        return self.corpus is not None and self.problem is None and not self.must_fix

    def require_corpus(self) -> Corpus:
        if self.problem is not None or self.corpus is None:
            raise self.problem or UserError("This file is not ready for training.", code="not_ready")
        return self.corpus

    def splits(self, recipe: Recipe) -> Splits:
        """The corpus split as the recipe says; worked out once for each choice."""
        wanted = (recipe.validation_share, recipe.test_share, recipe.seed)
        if wanted not in self._splits:
            corpus = self.require_corpus()
            self._splits[wanted] = split(corpus, validation_share=wanted[0], test_share=wanted[1], seed=wanted[2], groups=self.groups)
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
        columns = choose_columns(main, draft.main.texts, draft.main.label)
        repaired = apply_repairs(_corpus(draft, tables, columns), draft.repairs)
    except UserError as error:
        return Preparation(draft, main, columns, None, (), error)
    groups = near_groups(repaired.corpus.texts)
    found = tuple(_accepted(finding, draft) for finding in check(main, columns, repaired.corpus, groups))
    problem = None
    try:
        check_trainable(repaired.corpus, column=main.columns[columns.label], max_classes=settings.max_classes)
    except UserError as error:
        problem = error
    return Preparation(draft, main, columns, repaired, found, problem, groups)


def _corpus(draft: Draft, tables: Mapping[str, Table], columns: Columns) -> Corpus:
    main = tables["main"]
    names = draft.class_names
    where = {"text": columns.text, "label": columns.label, "more_text": columns.more_text}
    corpus = build_corpus(main, **where, split_column=_split_column(main, draft), class_names=names)
    given = {
        role: build_corpus(tables[role], **_same_columns(tables[role], main, columns, getattr(draft, role).name), class_names=names)
        for role in ("validation", "test")
        if role in tables
    }
    return join_corpora(corpus, **given) if given else corpus


def _accepted(finding: Finding, draft: Draft) -> Finding:
    return replace(finding, severity="look") if finding.severity == "must_fix" and finding.code in draft.accepted else finding


def _read(path: Path, source: SourceFile, settings: Settings) -> Table:
    try:
        return read_file(path, **settings.file_limits)
    except UserError as error:
        raise UserError(f"{source.name}: {error.message}", code=error.code) from error


def _split_column(table: Table, draft: Draft) -> int | None:
    """The column that says train, validation or test, where the file has one and no files were given for that."""
    return guess_split_column(table) if draft.validation is None and draft.test is None else None


def _same_columns(table: Table, main: Table, columns: Columns, name: str) -> dict[str, int | tuple[int, ...]]:
    """In a given test or validation file, the columns of the same names, else of the same positions."""

    def same(position: int) -> int:
        wanted = main.columns[position]
        if table.header and main.header and wanted in table.columns:
            return table.columns.index(wanted)
        if position < len(table.columns) and len(table.columns) == len(main.columns):
            return position
        raise UserError(
            f"{name} has no column “{wanted}”. Its columns: {', '.join(table.columns)}. Give it the same columns as the training file.",
            code="unknown_column",
        )

    return {"text": same(columns.text), "label": same(columns.label), "more_text": tuple(map(same, columns.more_text))}


def numeric_labels(preparation: Preparation, *, most: int = 50) -> tuple[str, ...]:
    """The labels as written, where all of them are whole numbers (so that a person may want to name them); else none."""
    if preparation.columns is None:
        return ()
    written = {row[preparation.columns.label].strip() for row in preparation.table.rows} - {""}
    if not written or len(written) > most or not all(w.removeprefix("-").isdecimal() for w in written):
        return ()
    return tuple(sorted(written, key=int))
