"""What the event ``created`` of a run records of its file, its encoder and the decisions on its labels."""

from typing import Any

from trainer.audit.apply_decisions import count_decisions
from trainer.audit.decisions import Decisions
from trainer.check import count_checks, found
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.drafts.advice import Advice
from trainer.drafts.preparation import PreparedDraft
from trainer.recipe import Recipe
from trainer.runs.event_types import RecordedCounts, RecordedFinding
from trainer.training.encoders import Encoder


def created_fields(
    prepared: PreparedDraft, recipe: Recipe, encoder: Encoder, corpus: Corpus, splits: Splits, advice: Advice
) -> dict[str, Any]:
    """What a run's event ``created`` records of its file and its encoder."""
    # What a training takes on this machine says nothing about the file.
    checks = [check for check in (*prepared.checks, *advice.checks) if check.code != "estimate"]
    form = prepared.columns.label_form if prepared.columns is not None and prepared.columns.several else None
    return {
        "encoder_folder": encoder.source if encoder.is_custom else None,
        "base_model": encoder.repository or None,
        "source_name": prepared.draft.main.name,
        "source_part": prepared.table.part if prepared.table.parts else None,
        "rows": {
            "train": len(splits.train),
            "validation": len(splits.validation),
            "test": len(corpus) if recipe.folds else len(splits.test),
        },
        "folds": recipe.folds,
        "split_notes": splits.split_notes,
        "repairs": prepared.repaired.counts,
        "findings": tuple(map(RecordedFinding.of, found(checks))),
        "checks": RecordedCounts.of(count_checks(checks)),
        "task": corpus.task.key,
        "labels_way": None if form is None else form.way,
        "labels_between": None if form is None else form.between,
        "labels_cut": None if prepared.columns is None else prepared.columns.cut,
        "forecast_seconds": advice.seconds,
    }


def decision_fields(prepared: PreparedDraft, recipe: Recipe, decisions: Decisions, corpus: Corpus) -> dict[str, Any]:
    """What a run's event ``created`` records of the decisions on its labels; ``corpus`` has the rows after them."""
    counts = count_decisions(prepared.require_corpus(), decisions, prepared.splits(recipe))
    done = {name: getattr(counts, name) for name in ("changed", "dropped", "test_changed", "test_dropped")}
    if added := (corpus.files or ()).count("added"):
        done["added"] = added
    return {
        "decisions": done if any(done.values()) else None,
        "class_names": decisions.renamed or None,
        "definitions": decisions.definitions or None,
    }
