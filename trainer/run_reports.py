"""RunReports: what the results of one owner's runs say beyond their scores: groups of rows, ordered labels, what would help; and the report to share.

Scores are in ``run_library.py``.
"""

from contextlib import suppress
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from trainer.data.checks.encoder import EncoderInfo, Lengths, suggested_length
from trainer.data.corpus import Corpus
from trainer.data.label_scales import find_scale, order_if_said
from trainer.data.rows import load_kept_columns
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import UserError
from trainer.evaluation.intervals import folds_design_effect
from trainer.evaluation.label_suggestions import LabelsEvidence, suggest_for_labels
from trainer.evaluation.learning_curve import learning_curve
from trainer.evaluation.mistakes import PredictedRows, RowFilter, find_rows
from trainer.evaluation.ordered import OrderedScores, ordered_scores
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.run_report import RunReport, Suggestions
from trainer.evaluation.subgroups import Subgroup, find_subgroups
from trainer.evaluation.suggestions import Evidence, suggest, too_few_rows
from trainer.jobs.train import pipeline
from trainer.report_html import report_html
from trainer.run_library import RunLibrary, ScoreCache
from trainer.runs.run import Run
from trainer.runs.seal import file_signature
from trainer.runs.store import RunStore
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.training.encoder_catalogue import EncoderCatalogue, encoder_info

_MAX_MEASURED = 5_000
"""Training texts whose tokens are counted; more change little."""
_MAX_CHARACTERS = 10_000
_MAX_SHARED_TEXTS = 50


class RunReports:
    """Of one owner."""

    def __init__(
        self, settings: Settings, runs: RunStore, library: RunLibrary, encoders: EncoderCatalogue, cache: ScoreCache, owner: str
    ) -> None:
        self._settings = settings
        self._runs = runs
        self._library = library
        self._encoders = encoders
        self._cache = cache
        self._owner = owner

    def report(self, run_id: str) -> RunReport:
        """Everything that is said of a run that has a model. UserError as ``RunLibrary.reports``."""
        return RunReport(
            self._library.view(run_id),
            self._library.reports(run_id),
            self.ordered(run_id),
            self.subgroups(run_id),
            self.suggestions(run_id),
            self._library.training_checks(run_id),
            self._library.result_checks(run_id),
        )

    def can_be_ordered(self, run_id: str) -> bool:
        """Whether somebody may say that the labels of a run are, or are not, steps of a scale. UserError as ``RunLibrary.reports``."""
        test = self._library.reports(run_id).test
        names = test.label_names
        return test.task is SINGLE_LABEL and (find_scale(names) is not None or order_if_said(names) is not None)

    def ordered(self, run_id: str) -> OrderedScores | None:
        """The scores of labels that are steps of a scale, as their names or somebody said; None for other labels. UserError as ``RunLibrary.reports``."""
        test, said = self._library.reports(run_id).test, self._library.view(run_id).ordered
        if test.task is not SINGLE_LABEL:
            return None
        order = find_scale(test.label_names)
        if said is not None:
            order = (order or order_if_said(test.label_names)) if said else None
        if order is None:
            return None
        return ordered_scores(test.confusion, test.label_names, order, design_effect=folds_design_effect(test.folds))

    def say_whether_ordered(self, run_id: str, ordered: bool) -> None:
        """Note that the labels of a run are, or are not, steps of a scale; they are told by their numbers or names. UserError as elsewhere."""
        run = self._runs.get(run_id, self._owner)
        with disk_errors_as_user_error(self._settings):
            self._runs.say_whether_ordered(run, ordered)

    def subgroups(self, run_id: str) -> tuple[Subgroup, ...]:
        """The scores of groups of the test rows: by columns of the file, and by length. UserError as ``RunLibrary.predicted_rows``."""
        rows, run = self._library.predicted_rows(run_id, "test"), self._runs.get(run_id, self._owner, to_read=True)
        if rows.task is not SINGLE_LABEL:
            # Rows with exactly their labels are fewer where rows have more labels, whatever else the group is.
            return ()
        folds = self._library.reports(run_id).test.folds

        def compute() -> tuple[Subgroup, ...]:
            columns = {name: [values[row] for row in rows.rows.tolist()] for name, values in load_kept_columns(run.rows).items()}
            words = np.array([len(text.split()) for text in rows.texts])
            return find_subgroups(rows.right, columns, words, design_effect=folds_design_effect(folds))

        return self._cache.subgroups.get((run.id, *file_signature(run.rows), *file_signature(run.predictions)), compute)

    def suggestions(self, run_id: str) -> Suggestions:
        """What would help, by training and validation rows; it takes seconds the first time. UserError as ``RunLibrary.predicted_rows``."""
        self._library.reports(run_id)
        run = self._runs.get(run_id, self._owner, to_read=True)

        def compute() -> Suggestions:
            corpus, splits = pipeline.load_run_rows(run)
            gather, find = {SINGLE_LABEL.key: (self._evidence, suggest), SEVERAL_LABELS.key: (self._labels_evidence, suggest_for_labels)}[
                corpus.task.key
            ]
            evidence = gather(run, corpus, splits, pipeline.load_run_predictions(run).for_split("validation"))
            return Suggestions(find(evidence), too_few_rows(evidence))

        return self._cache.suggestions.get((run.id, *file_signature(run.rows), *file_signature(run.predictions)), compute)

    def html(self, run_id: str, *, with_texts: bool = False, before: str = "") -> tuple[str, bytes]:
        """A file name and the report as one HTML file that requests nothing; ``with_texts`` also the most confident mistakes on test rows,
        ``before`` the scores further HTML.

        UserError as ``RunLibrary.predicted_rows``.
        """
        report = self.report(run_id)
        rows = self._library.predicted_rows(run_id, "test") if with_texts else None
        shown = None if rows is None else _first(rows, find_rows(rows, RowFilter())[:_MAX_SHARED_TEXTS])
        return f"{PurePath(report.view.name).name} report.html", report_html(report, shown, before).encode("utf-8", "replace")

    def _evidence(self, run: Run, corpus: Corpus, splits: Splits, validation: Predictions) -> Evidence:
        predicted, classes = validation.predicted, len(corpus.label_names)
        train_cut, cut, longer = self._lengths(run, corpus, splits, validation)
        texts = [([corpus.texts[i] for i in rows], corpus.label_ids[rows]) for rows in (splits.train, validation.rows)]
        return Evidence(
            validation.labels,
            predicted,
            validation.probabilities[np.arange(len(validation)), predicted],
            cut,
            corpus.count_labels(splits.train),
            train_cut,
            run.resolved_recipe().max_length,
            longer,
            learning_curve(*texts, classes),
            corpus.label_names,
        )

    def _labels_evidence(self, run: Run, corpus: Corpus, splits: Splits, validation: Predictions) -> LabelsEvidence:
        train_cut, cut, longer = self._lengths(run, corpus, splits, validation)
        counts, max_length = corpus.count_labels(splits.train), run.resolved_recipe().max_length
        return LabelsEvidence(
            validation.labels,
            validation.predicted,
            validation.probabilities,
            cut,
            counts,
            train_cut,
            max_length,
            longer,
            corpus.label_names,
        )

    def _lengths(self, run: Run, corpus: Corpus, splits: Splits, validation: Predictions) -> tuple[float | None, np.ndarray, int | None]:
        """The share of training texts that are cut, None if lengths are not known; which validation texts are, (n,) bool; and the length at which nearly all are
        read whole, None if it is not more."""
        recipe = run.resolved_recipe()
        train_cut, cut, longer = None, np.zeros(len(validation), dtype=bool), None
        encoder = self._encoder_info(run)
        if encoder is not None and encoder.count_tokens is not None:
            trained, validated = (
                np.array(encoder.count_tokens([corpus.texts[i][:_MAX_CHARACTERS] for i in rows]), dtype=np.int64)
                for rows in (_sampled(splits.train).tolist(), validation.rows.tolist())
            )
            train_cut, cut = float((trained > recipe.max_length).mean()), validated > recipe.max_length
            better = suggested_length(Lengths(trained, 1), encoder.max_tokens)
            longer = better if better > recipe.max_length else None
        return train_cut, cut, longer

    def _encoder_info(self, run: Run) -> EncoderInfo | None:
        """The encoder of a run, with the tokens that its training added; None if it is gone."""
        view = self._runs.view(run)
        with suppress(UserError):
            return encoder_info(replace(pipeline.find_run_encoder(run, view, self._encoders), added_tokens=view.added_tokens))
        return None


def _sampled(rows: np.ndarray) -> np.ndarray:
    return rows[:: max(1, len(rows) // _MAX_MEASURED)]


def _first(rows: PredictedRows, positions: np.ndarray) -> PredictedRows:
    """The rows at these positions."""
    arrays = {name: getattr(rows, name)[positions] for name in ("rows", "source_rows", "labels", "predicted", "confidence")}
    return replace(rows, **arrays, texts=tuple(rows.texts[i] for i in positions.tolist()))
