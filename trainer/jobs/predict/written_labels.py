"""How labels are written into a labelled file: several of one text as the training file of the model writes them. Knows no format of files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.data.rewrite.edits import ColumnKind
from trainer.data.task import JOINED_BY, Task
from trainer.runs.run import Run
from trainer.runs.run_files import LOG, MODEL

BETWEEN_LABELS = "\x1f"
"""Between the names of several labels of one row as they are kept, which may hold anything else."""


@dataclass(frozen=True)
class WrittenLabels:
    """``way``: "one" where a text has one label, else as in LabelForm. ``between``: what stands between the labels of a cell, None for printed lists.

    Formats that know lists (JSON, Parquet, Arrow) get lists whatever stands between.
    """

    way: Literal["one", "cells", "lists", "columns"] = "one"
    between: str | None = JOINED_BY

    def columns(self, label_names: Sequence[str]) -> tuple[tuple[str, ColumnKind], ...]:
        """The name and the kind of each column of labels."""
        if self.way == "columns":
            return tuple((name, "number") for name in label_names)
        return (("label", "text" if self.way == "one" else "list"),)

    def cells(self, labels: Sequence[str], readable: Sequence[bool], label_names: Sequence[str]) -> list[list[str]]:
        """The cells of these columns, given the labels of n rows as they are kept, and of each whether there was something to read."""
        known = {label: label for label in label_names}
        if self.way == "one":
            return [[known.get(label, label) for label in labels]]
        # Labels repeat, alone and together.
        made = {label: label.split(BETWEEN_LABELS) if label else [] for label in dict.fromkeys(labels)}
        if self.way == "columns":
            rows = {label: ["1" if name in names else "0" for name in label_names] for label, names in made.items()}
            nothing = [""] * len(label_names)
            cells = (rows[label] if can else nothing for label, can in zip(labels, readable, strict=True))
            return [list(column) for column in zip(*cells, strict=True)]
        lists = {label: json.dumps(names, ensure_ascii=False) for label, names in made.items()}
        return [[lists[label] if can else "" for label, can in zip(labels, readable, strict=True)]]


def find_written_labels(model: Path, task: Task) -> WrittenLabels:
    """How labels of the model in a folder are written; of one that is of no run several stand in a cell with commas."""
    if not task.may_have_several:
        return WrittenLabels()
    view = Run(model.parent).read_view() if model.name == MODEL and (model.parent / LOG).exists() else None
    if view is None or not view.labels_way:
        return WrittenLabels("cells")
    if view.labels_way == "cells":
        return WrittenLabels("cells", view.labels_between or JOINED_BY)
    return WrittenLabels("lists" if view.labels_way == "lists" else "columns", None)
