"""How texts differ from the training rows of a run, which are read from its folder. The comparison itself is in ``evaluation/difference.py``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from trainer.data.checks.repairs import REPAIRS
from trainer.data.rows import load_rows
from trainer.evaluation.difference import text_difference
from trainer.runs.run import Run


def text_repairs_of(run: Run) -> tuple[str, ...]:
    """The repairs of texts that a run was trained with: other texts are compared, judged and kept after them. Raises UserError ``run_damaged``."""
    return tuple(code for code in run.recipe().repairs if code in REPAIRS and REPAIRS[code].repair_text)


def difference_from_training(run: Run, texts: Sequence[str], classes: Mapping[str, int]) -> dict[str, Any]:
    """How texts, repaired as those of the run, with their ``classes`` counted by name, differ from the training rows of a run, as JSON. Raises UserError ``rows_damaged``."""
    learnt, splits = load_rows(run.rows)
    training = splits.train.tolist()
    names_of_rows = learnt.label_sets
    labels = Counter(name for row in training for name in names_of_rows[row])
    return text_difference(texts, [learnt.texts[row] for row in training], classes=classes, training_classes=labels).to_dict()
