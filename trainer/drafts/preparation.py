"""Preparation: a draft's files to columns, corpus, repairs, checks and splits. The page, the terminal and the API all prepare a file here.

Reads only; ``DraftEditor`` changes drafts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from trainer.cache import SingleFlightCache
from trainer.check import CheckResult, findings, found, run_checks, sort_by_severity
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.encoder import EncoderInfo, Lengths, measure_lengths
from trainer.data.checks.file_reading import READING_CHECKS
from trainer.data.checks.given_split import require_training_rows
from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.checks.repairs import Repaired, apply_repairs, drop_several_labels
from trainer.data.columns.guess import Columns, find_column, guess_split_column
from trainer.data.columns.label_form import form_of_rows, read_label_sets
from trainer.data.columns.read_corpus import read_corpus
from trainer.data.columns.resolve import resolve_columns
from trainer.data.corpus import Corpus, check_trainable, is_whole_number, join_corpora
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.files.table import Part, Table
from trainer.data.folds import split_without_test
from trainer.data.label_definitions import columns_of_definitions, find_definitions
from trainer.data.reader.file_reader import TableReader, read_file
from trainer.data.splits import Splits, split
from trainer.drafts.store import Draft, DraftStore, GivenRole, SourceFile
from trainer.errors import FileError, UserError
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.text_format import with_part

_MAX_CACHED_SPLITS = 4
"""Of the shares and seeds that a user tried; each takes eight bytes a row."""


@dataclass(frozen=True)
class GivenFile:
    """A file that a user gave as the test or the validation split."""

    role: GivenRole
    name: str
    rows: int
    """Of its table, including those without text or label."""
    columns: tuple[str, ...]
    """Names of its columns that are used: text, label and the texts joined to it. Empty if they were not found."""
    part: str | None = None
    parts: tuple[Part, ...] = ()
    """Those of its table."""


@dataclass(frozen=True)
class PreparedDraft:
    """What the page shows of a draft and what a run is made from."""

    draft: Draft
    table: Table
    columns: Columns | None
    repaired: Repaired | None
    """The corpus after the draft's repairs, with what they changed."""
    checks: tuple[CheckResult, ...]
    """Of the repaired corpus, errors first. An error that the user dismissed is a warning."""
    problem: UserError | None
    """Why nothing can be trained yet; choosing other columns or a repair may help."""
    given: tuple[GivenFile, ...] = ()
    """The files given for test and validation."""
    near: NearDuplicates | None = field(default=None, compare=False, repr=False)
    """The near-duplicates among the texts of the corpus."""
    _splits: SingleFlightCache[Splits] = field(default_factory=lambda: SingleFlightCache(_MAX_CACHED_SPLITS), compare=False, repr=False)
    _lengths: SingleFlightCache[Lengths | None] = field(
        default_factory=lambda: SingleFlightCache(_MAX_CACHED_SPLITS), compare=False, repr=False
    )

    @property
    def source_title(self) -> str:
        """The name of the main file, with the part that was read if it holds several."""
        return with_part(self.draft.main.name, self.table.part if self.table.parts else None)

    @property
    def corpus(self) -> Corpus | None:
        """The corpus after the draft's repairs; None if there is none."""
        return None if self.repaired is None else self.repaired.corpus

    @property
    def findings(self) -> tuple[CheckResult, ...]:
        """The checks that have something to tell."""
        return findings(self.checks)

    @property
    def blocking_findings(self) -> tuple[CheckResult, ...]:
        """Findings that should be fixed or dismissed before a training."""
        return tuple(finding for finding in self.checks if finding.severity == "error")

    @property
    def ready(self) -> bool:
        """Whether Start may be pressed."""
        return self.corpus is not None and self.problem is None and not self.blocking_findings

    def require_corpus(self) -> Corpus:
        """The corpus, or raise the problem."""
        if self.problem is not None or self.corpus is None:
            raise self.problem or FileError("This file is not ready for training.", code="not_ready")
        return self.corpus

    @cached_property
    def definitions(self) -> dict[str, str]:
        """What labels mean, by label, if a column of the main file says it for each."""
        return find_definitions(self.definitions_by_column, () if self.corpus is None else self.corpus.label_names)

    @cached_property
    def definitions_by_column(self) -> dict[int, dict[str, str]]:
        """The columns of the main file that may say what labels mean, each with its words by label."""
        corpus, columns = self.corpus, self.columns
        if corpus is None or columns is None or not self.table.rows:
            return {}
        labels: list[str | None] = [None] * len(self.table.rows)
        files = corpus.files or ("main",) * len(corpus)
        for row, names, file in zip(corpus.source_rows.tolist(), corpus.label_sets, files, strict=True):
            if file == "main" and len(names) == 1:
                labels[row] = names[0]
        return columns_of_definitions(self.table.rows, labels, {columns.text, *columns.label_columns, *columns.extra_text_columns})

    def splits(self, recipe: Recipe) -> Splits:
        """The corpus split as the recipe says; cached for each choice."""
        corpus, groups = self.require_corpus(), None if self.near is None else self.near.groups
        shares = {"validation_share": recipe.validation_share, "seed": recipe.seed}

        def compute() -> Splits:
            if recipe.folds is None:
                return split(corpus, **shares, test_share=recipe.test_share, groups=groups)
            of_texts = find_near_duplicates(corpus.texts).groups if groups is None else groups
            return split_without_test(corpus, of_texts, **shares, n_folds=recipe.folds)

        return self._splits.get((*shares.values(), recipe.test_share, recipe.folds), compute)

    def training_rows(self, recipe: Recipe) -> Corpus:
        """The rows that a training with this recipe learns from. Advice is based on these alone, since test rows must not influence choices."""
        train = self.splits(recipe).train
        is_training_row = np.zeros(len(self.require_corpus()), dtype=bool)
        is_training_row[train] = True
        return self.require_corpus().where(is_training_row)

    def training_lengths(self, recipe: Recipe, encoder: EncoderInfo, in_training: Callable[[], EncoderInfo]) -> Lengths | None:
        """Tokens of the training rows, cached for each choice; None without the encoder's tokenizer.

        ``in_training`` returns the encoder with the tokens that the training adds; it is called if nothing is cached.
        """
        tokens = (encoder.name, encoder.count_tokens is None, recipe.added_tokens)
        key = (*tokens, recipe.validation_share, recipe.test_share, recipe.seed, recipe.folds)
        return self._lengths.get(key, lambda: measure_lengths(self.training_rows(recipe), in_training()))

    def require_trainable(self, max_classes: int) -> None:
        """Raise UserError if the corpus cannot be trained on without fixing the findings."""
        if self.columns is not None:
            check_trainable(self.require_corpus(), column=self.table.columns[self.columns.label], max_classes=max_classes)


def read_tables(store: DraftStore, draft: Draft, settings: Settings, reader: TableReader) -> dict[str, Table]:
    """The tables of the draft's files by role: "main" and, if given, "validation" and "test"."""
    sources = {"main": draft.main, "validation": draft.validation, "test": draft.test}
    return {role: _read(store.path(draft, source), source, settings, reader) for role, source in sources.items() if source is not None}


def prepare(
    draft: Draft,
    tables: Mapping[str, Table],
    *,
    max_classes: int,
    find_near: Callable[[tuple[str, ...]], NearDuplicates] = find_near_duplicates,
) -> PreparedDraft:
    """Columns, corpus and checks of a draft. If it cannot be trained on, ``problem`` says why.

    ``find_near`` may return cached near-duplicates of the texts.
    """
    main = tables["main"]
    columns = None
    try:
        columns = resolve_columns(main, draft.main.text_columns, draft.main.label_column, draft.task, draft.cut)
        corpus, of_given_files = _build_corpus(draft, tables, columns)
        repaired = apply_repairs(corpus, draft.repairs)
    except UserError as error:
        return PreparedDraft(draft, main, columns, None, (), error, _given_files(draft, tables, columns))
    near = find_near(repaired.corpus.texts)
    given_files = frozenset(tables.keys() - {"main"})
    file = CheckedFile(main, columns, repaired.corpus, near, unrepaired=corpus, name=draft.main.name, given_files=given_files)
    checks = sort_by_severity([*run_checks(FILE_CHECKS, file), *of_given_files])
    columns = _with_offer(main, columns, file, draft)
    checks = tuple(_dismiss(result, draft) for result in checks)
    problem = None
    try:
        # Combinations of labels would be classes of their own; the finding several_labels explains them.
        judged = repaired.corpus if "several_labels" in draft.dismissed else drop_several_labels(repaired.corpus)
        check_trainable(judged, column=main.columns[columns.label], max_classes=max_classes)
        require_training_rows(file)
    except UserError as error:
        problem = error
    return PreparedDraft(draft, main, columns, repaired, checks, problem, _given_files(draft, tables, columns), near)


def _with_offer(table: Table, columns: Columns, file: CheckedFile, draft: Draft) -> Columns:
    """The columns with rows of the same text as a form of several labels, if many texts have different labels in their rows."""
    if columns.label_form is not None or draft.task == "single" or not file.may_be_joined:
        return columns
    return replace(columns, label_form=form_of_rows(table, columns.text, columns.label))


def _given_files(draft: Draft, tables: Mapping[str, Table], columns: Columns | None) -> tuple[GivenFile, ...]:
    return tuple(
        GivenFile(
            role,
            source.name,
            len(tables[role].rows),
            _used_columns(tables[role], tables["main"], columns, source.name),
            tables[role].part,
            tables[role].parts,
        )
        for role, source in (("test", draft.test), ("validation", draft.validation))
        if source is not None
    )


def _used_columns(table: Table, main: Table, columns: Columns | None, name: str) -> tuple[str, ...]:
    try:
        same = None if columns is None else _same_columns(table, main, columns, name)
    except UserError:
        same = None
    return () if same is None else tuple(table.columns[position] for position in (same.text, same.label, *same.extra_text_columns))


def _build_corpus(draft: Draft, tables: Mapping[str, Table], columns: Columns) -> tuple[Corpus, list[CheckResult]]:
    """The corpus of all files, and what was found in the reading of the files given for validation and test."""
    main, names = tables["main"], draft.class_names
    corpus = read_corpus(main, columns, names, split_column=guess_split_column(main))
    given: dict[str, Corpus] = {}
    results: list[CheckResult] = []
    for role in ("validation", "test"):
        if role in tables:
            source = getattr(draft, role)
            same = _same_columns(tables[role], main, columns, source.name)
            given[role] = read_corpus(tables[role], same, names)
            results += _name_file(source.name, run_checks(READING_CHECKS, CheckedFile(tables[role], same, given[role])))
    return (join_corpora(corpus, **given) if given else corpus), results


def repair_main_file(prepared: PreparedDraft, tables: Mapping[str, Table]) -> Repaired:
    """The main file alone, repaired, for a download. Raises the problem if there is no corpus."""
    if prepared.columns is None or prepared.repaired is None:
        raise prepared.problem or FileError("There is nothing to download yet.", code="not_ready")
    if tables.keys() == {"main"}:
        return prepared.repaired
    corpus, _ = _build_corpus(prepared.draft, {"main": tables["main"]}, prepared.columns)
    return apply_repairs(corpus, prepared.draft.repairs)


def _name_file(name: str, results: Sequence[CheckResult]) -> list[CheckResult]:
    return [replace(result, message=f"{name}: {result.message}") for result in found(results)]


def _dismiss(result: CheckResult, draft: Draft) -> CheckResult:
    return replace(result, severity="warning") if result.severity == "error" and result.code in draft.dismissed else result


def _read(path: Path, source: SourceFile, settings: Settings, reader: TableReader) -> Table:
    try:
        return read_file(path, reader, part=source.part, **settings.file_limits)
    except UserError as error:
        raise error.with_message(f"{source.name}: {error.message}") from error


def _same_columns(table: Table, main: Table, columns: Columns, name: str) -> Columns:
    """The columns of a given test or validation file: those of the same names; if it has no names but as many columns, of the same positions."""
    positions = (columns.text, columns.label, *columns.extra_text_columns, *columns.label_columns)
    try:
        if not (table.header and main.header):
            raise FileError("without names, columns can only be matched by position", code="unknown_column")
        matches = tuple(find_column(table, main.columns[position], "text") for position in positions)
    except UserError as error:
        if (table.header and main.header) or len(table.columns) != len(main.columns):
            names = ", ".join(f"“{main.columns[position]}”" for position in positions)
            raise FileError(
                f"{name} lacks one of the columns {names}. Its columns: {', '.join(table.columns)}. "
                "Give it the same columns as the training file.",
                code="unknown_column",
            ) from error
        matches = positions
    n_texts = 2 + len(columns.extra_text_columns)
    form = replace(columns.label_form, columns=matches[n_texts:]) if columns.several else columns.label_form
    return replace(columns, text=matches[0], label=matches[1], extra_text_columns=matches[2:n_texts], label_form=form)


def numeric_labels(prepared: PreparedDraft, *, max_labels: int = 50) -> tuple[str, ...]:
    """The labels as written if all of them are whole numbers (a user may want to name them), else ()."""
    if prepared.columns is None:
        return ()
    columns, table = prepared.columns, prepared.table
    if columns.several:
        labels = {label for labels in read_label_sets(table, columns.label_form) for label in labels or ()}
    else:
        labels = {row[columns.label].strip() for row in table.rows} - {""}
    if not labels or len(labels) > max_labels or not all(is_whole_number(label) for label in labels):
        return ()
    return tuple(sorted(labels, key=int))
