"""A prepared draft: its files read, understood and repaired, up to the corpus and its splits.

Pure reading: changes to a draft are the studio's business.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from trainer.cache import SingleFlightCache
from trainer.data.checks.encoder import EncoderInfo, Lengths, measure_lengths
from trainer.data.checks.findings import Finding, examples
from trainer.data.checks.reading import check_reading
from trainer.data.checks.repairs import Repaired, apply_repairs, drop_several_labels
from trainer.data.checks.run_checks import run_checks, sort_by_severity
from trainer.data.columns.guess import Columns, find_column, guess_split_column
from trainer.data.columns.resolve import resolve_columns
from trainer.data.corpus import Corpus, build_corpus, check_trainable, is_whole_number, join_corpora
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.files.reading import Table
from trainer.data.reader.file_reader import TableReader, read_file
from trainer.data.splits import Splits, split
from trainer.drafts.store import Draft, DraftStore, GivenRole, SourceFile
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.settings import Settings
from trainer.text_format import pluralize

_SPLITS_KEPT = 4
"""Of the shares and seeds that a person tried; each takes eight bytes a row."""


@dataclass(frozen=True)
class GivenFile:
    """What is to be said of a file that a person gave as the test or the validation split."""

    role: GivenRole
    name: str
    rows: int
    """Of its table; those without text or label count too."""
    columns: tuple[str, ...]
    """Its columns that are read, by name: text, label and the texts joined to it. Empty where they were not found."""


@dataclass(frozen=True)
class PreparedDraft:
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
    given: tuple[GivenFile, ...] = ()
    """The files given for test and validation."""
    near: NearDuplicates | None = field(default=None, compare=False, repr=False)
    """The near-duplicates among the texts of the corpus."""
    _splits: SingleFlightCache[Splits] = field(default_factory=lambda: SingleFlightCache(_SPLITS_KEPT), compare=False, repr=False)
    _lengths: SingleFlightCache[Lengths | None] = field(default_factory=lambda: SingleFlightCache(_SPLITS_KEPT), compare=False, repr=False)

    @property
    def corpus(self) -> Corpus | None:
        return None if self.repaired is None else self.repaired.corpus

    @property
    def blocking_findings(self) -> tuple[Finding, ...]:
        """What stands between this file and a training that means something."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    @property
    def ready(self) -> bool:
        """Whether Start may be pressed."""
        return self.corpus is not None and self.problem is None and not self.blocking_findings

    def require_corpus(self) -> Corpus:
        if self.problem is not None or self.corpus is None:
            raise self.problem or UserError("This file is not ready for training.", code="not_ready")
        return self.corpus

    def splits(self, recipe: Recipe) -> Splits:
        """The corpus split as the recipe says; worked out once for each choice."""
        corpus, (validation, test, seed) = self.require_corpus(), (recipe.validation_share, recipe.test_share, recipe.seed)
        groups = None if self.near is None else self.near.groups
        return self._splits.get(
            (validation, test, seed), lambda: split(corpus, validation_share=validation, test_share=test, seed=seed, groups=groups)
        )

    def training_rows(self, recipe: Recipe) -> Corpus:
        """The rows that a training with this recipe learns from: what advice may look at, as test rows choose nothing."""
        train = self.splits(recipe).train
        chosen = np.zeros(len(self.require_corpus()), dtype=bool)
        chosen[train] = True
        return self.require_corpus().where(chosen)

    def training_lengths(self, recipe: Recipe, encoder: EncoderInfo) -> Lengths | None:
        """Tokens of the training rows as an encoder reads them, measured once for each choice; None without its tokenizer."""
        key = (encoder.name, encoder.count_tokens is None, recipe.validation_share, recipe.test_share, recipe.seed)
        return self._lengths.get(key, lambda: measure_lengths(self.training_rows(recipe), encoder))

    def require_trainable(self, max_classes: int) -> None:
        """Raise UserError where the corpus cannot be trained on unless what must be fixed is fixed."""
        if self.columns is not None:
            check_trainable(self.require_corpus(), column=self.table.columns[self.columns.label], max_classes=max_classes)


def read_tables(drafts: DraftStore, draft: Draft, settings: Settings, reader: TableReader) -> dict[str, Table]:
    """The draft's files by role: "main" and, where given, "validation" and "test"."""
    sources = {"main": draft.main, "validation": draft.validation, "test": draft.test}
    return {role: _read(drafts.path(draft, s), s, settings, reader) for role, s in sources.items() if s is not None}


def understand(
    draft: Draft,
    tables: Mapping[str, Table],
    settings: Settings,
    *,
    find_near: Callable[[tuple[str, ...]], NearDuplicates] = find_near_duplicates,
) -> PreparedDraft:
    """Columns, corpus and findings of a draft. Where a file cannot be trained on, ``problem`` says why.

    ``find_near`` is for whoever knows the near-duplicates of these texts already.
    """
    main = tables["main"]
    columns = None
    try:
        columns = resolve_columns(main, draft.main.texts, draft.main.label)
        corpus, odd = _corpora(draft, tables, columns)
        repaired = apply_repairs(corpus, draft.repairs)
    except UserError as error:
        return PreparedDraft(draft, main, columns, None, (), error, _given_files(draft, tables, columns))
    near = find_near(repaired.corpus.texts)
    problem, shared = None, []
    try:
        shared = _shared_texts(draft, corpus)
    except UserError as error:
        problem = error
    findings = sort_by_severity([*run_checks(main, columns, repaired.corpus, near), *odd, *shared])
    found = tuple(_accepted(finding, draft) for finding in findings)
    try:
        judged = repaired.corpus if "several_labels" in draft.dismissed else drop_several_labels(repaired.corpus)
        check_trainable(judged, column=main.columns[columns.label], max_classes=settings.max_classes)
    except UserError as error:
        problem = error
    return PreparedDraft(draft, main, columns, repaired, found, problem, _given_files(draft, tables, columns), near)


def _given_files(draft: Draft, tables: Mapping[str, Table], columns: Columns | None) -> tuple[GivenFile, ...]:
    return tuple(
        GivenFile(role, source.name, len(tables[role].rows), _columns_found(tables[role], tables["main"], columns, source.name))
        for role, source in (("test", draft.test), ("validation", draft.validation))
        if source is not None
    )


def _columns_found(table: Table, main: Table, columns: Columns | None, name: str) -> tuple[str, ...]:
    try:
        same = None if columns is None else _same_columns(table, main, columns, name)
    except UserError:
        same = None
    return () if same is None else tuple(table.columns[position] for position in (same.text, same.label, *same.extra_text_columns))


def _corpora(draft: Draft, tables: Mapping[str, Table], columns: Columns) -> tuple[Corpus, list[Finding]]:
    """The corpus of all files, and what is to be said of the reading of those given for validation and test."""
    main, names = tables["main"], draft.class_names
    where = {"text": columns.text, "label": columns.label, "extra_text_columns": columns.extra_text_columns}
    corpus = build_corpus(main, **where, split_column=guess_split_column(main), class_names=names)
    given: dict[str, Corpus] = {}
    findings: list[Finding] = []
    for role in ("validation", "test"):
        if role in tables:
            source = getattr(draft, role)
            same = _same_columns(tables[role], main, columns, source.name)
            given[role] = build_corpus(
                tables[role], text=same.text, label=same.label, extra_text_columns=same.extra_text_columns, class_names=names
            )
            findings += _of_file(source.name, check_reading(tables[role], same, given[role]))
    return (join_corpora(corpus, **given) if given else corpus), findings


def _shared_texts(draft: Draft, corpus: Corpus) -> list[Finding]:
    """A test or validation split whose texts all stand in the training rows too, which leave training then.

    Raises UserError ``test_in_training`` or ``validation_in_training`` where no training row would be left.
    """
    if corpus.given_split is None:
        return []
    rows = {part: [row for row, origin in enumerate(corpus.given_split) if origin == part] for part in ("train", "validation", "test")}
    texts = {part: {duplicate_key(corpus.texts[row]) for row in chosen} for part, chosen in rows.items()}
    findings = []
    for part in ("test", "validation"):
        if not texts[part] or not texts[part] <= texts["train"]:
            continue
        given = getattr(draft, part) is not None
        count = pluralize(len(rows[part]), "text")
        message = (
            f"All {count} of the {part} {'file' if given else 'rows'} also stand in {draft.main.name if given else 'the training rows'}"
        )
        if texts["train"] <= texts[part]:
            raise UserError(
                f"{message}, and nothing else does: nothing would be left to learn from. A score on texts that a model has learnt from says "
                "nothing. Give other rows for it, or none: then some are kept aside.",
                code=f"{part}_in_training",
            )
        leaving = [row for row in rows["train"] if duplicate_key(corpus.texts[row]) in texts[part]]
        more = f"{pluralize(len(leaving), 'row')} with these texts {'is' if len(leaving) == 1 else 'are'} not trained on."
        findings.append(Finding(f"{part}_in_training", "warning", len(rows[part]), f"{message}.", more, examples(corpus, leaving)))
    return findings


def repair_main_file(preparation: PreparedDraft, tables: Mapping[str, Table]) -> Repaired:
    """The main file alone, repaired: what a person takes away. Raises what stands in the way of a corpus."""
    if preparation.columns is None or preparation.repaired is None:
        raise preparation.problem or UserError("There is nothing to download yet.", code="not_ready")
    if tables.keys() == {"main"}:
        return preparation.repaired
    corpus, _ = _corpora(preparation.draft, {"main": tables["main"]}, preparation.columns)
    return apply_repairs(corpus, preparation.draft.repairs)


def _of_file(name: str, findings: Sequence[Finding]) -> list[Finding]:
    return [replace(f, message=f"{name}: {f.message}") for f in findings if f.severity != "ok"]


def _accepted(finding: Finding, draft: Draft) -> Finding:
    return replace(finding, severity="warning") if finding.severity == "error" and finding.code in draft.dismissed else finding


def _read(path: Path, source: SourceFile, settings: Settings, reader: TableReader) -> Table:
    try:
        return read_file(path, reader, **settings.file_limits)
    except UserError as error:
        raise UserError(f"{source.name}: {error.message}", code=error.code) from error


def _same_columns(table: Table, main: Table, columns: Columns, name: str) -> Columns:
    """In a given test or validation file, the columns of the same names; else, where it has as many columns, of the same positions."""
    wanted = (columns.text, columns.label, *columns.extra_text_columns)
    try:
        if not (table.header and main.header):
            raise UserError("without names only positions tell columns", code="unknown_column")
        found = tuple(find_column(table, main.columns[position], "text") for position in wanted)
    except UserError as error:
        if (table.header and main.header) or len(table.columns) != len(main.columns):
            names = ", ".join(f"“{main.columns[position]}”" for position in wanted)
            raise UserError(
                f"{name} lacks one of the columns {names}. Its columns: {', '.join(table.columns)}. "
                "Give it the same columns as the training file.",
                code="unknown_column",
            ) from error
        found = wanted
    return replace(columns, text=found[0], label=found[1], extra_text_columns=found[2:])


def numeric_labels(preparation: PreparedDraft, *, most: int = 50) -> tuple[str, ...]:
    """The labels as written, where all of them are whole numbers (so that a person may want to name them); else none."""
    if preparation.columns is None:
        return ()
    written = {row[preparation.columns.label].strip() for row in preparation.table.rows} - {""}
    if not written or len(written) > most or not all(is_whole_number(w) for w in written):
        return ()
    return tuple(sorted(written, key=int))
