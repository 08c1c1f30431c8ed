"""What the pages of one task say and show: one table, ``TASK_PAGES``. Its main score is in ``score_format``, its charts in ``charts_by_task``."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task, most_probable_first
from trainer.text_format import percent
from trainer.ui import html_pieces

_CONFIDENT, _MARGIN = 0.5, 0.1
"""Below this probability, or with less than this margin to the second class, both classes are named."""


@dataclass(frozen=True)
class ClassColumn:
    """A column of the table of classes: its head, the field of ClassScore in it, and whether that has an interval."""

    head: str
    field: str
    has_interval: bool = True


@dataclass(frozen=True)
class RowWords:
    """How the rows that a filter finds are headed: "7 rows are fear, and the model said something else"."""

    is_: str
    are: str
    """Between the number of rows and a label."""
    missed: str
    """After a label that the model has not said."""
    instead: str
    """After that, with "{}" for what the model has said and should not have."""
    given: str
    """Between "were wrongly" and what the model has said."""
    missing: str = ""
    """Beside a label of a row that the model has not said; empty where a row has one label."""
    surplus: str = ""
    """Beside a label that the model should not have said."""
    probability: str = ""
    """An attribute of the head of the probabilities, as HTML."""
    may_have_none: bool = False
    """Whether a row may have no label, or get none."""


@dataclass(frozen=True)
class TaskPage:
    """The words of one task, where they differ."""

    class_columns: tuple[ClassColumn, ...]
    legend: str
    """What the columns mean, as HTML."""
    shows_all_scores: bool
    """Whether all scores stand below the headline, each with what it is; else the others than the main one are below the table of classes."""
    mistakes_title: str
    mistake: str
    """One of the most frequent mistakes: "{true}" and "{said}" stand for the labels."""
    rows: RowWords
    said: Callable[[Sequence[str], Sequence[float], Sequence[int]], str]
    """(names, probabilities (k,) of one text, the ids that are said) -> the answer as a sentence in HTML."""
    corrected: str
    """What was done to its probabilities, after "were"; "{temperature}", and "{bold}" for what that made them."""
    answers_all: str
    """What a model without a promise does, as a sentence."""
    held_back: str
    """What it does with a promise, as a sentence; "{}" stands for the least probability with which it answers."""
    label_mistakes: tuple[str, str] | None = None
    """A label that is missed, and one that is said of texts which do not have it; "{}" stands for it. None if pairs say it all."""
    nothing_said: str = ""
    """Where a text may get no label, the answer that it gets none."""
    true_label: str = "Its label is {}."
    """Of an example; "{}" stands for it."""
    marks_cuts: bool = False
    """Whether each label has a cut, which its bar shows, and any number of them can be above."""
    can_correct: bool = True
    """Whether a label can be corrected where it is seen."""
    not_yet: str = ""
    """What does not exist for it yet, as a sentence; empty if all does."""


def class_with_probability(name: str, probability: float) -> str:
    """ "joy (90 %)" as HTML."""
    return f"{html_pieces.isolated(name, max_length=60)} <span>({percent(float(probability), 0)})</span>"


def _say_one(names: Sequence[str], probabilities: Sequence[float], ids: Sequence[int]) -> str:
    """ "Probably joy (90 %)", or if that is uncertain "Perhaps joy (41 %), or sadness (38 %)"."""
    first, *others = most_probable_first(probabilities)
    best = class_with_probability(names[first], probabilities[first])
    if others and (probabilities[first] < _CONFIDENT or probabilities[first] - probabilities[others[0]] < _MARGIN):
        return f"Perhaps {best}, or {class_with_probability(names[others[0]], probabilities[others[0]])}"
    return f"Probably {best}"


def _say_several(names: Sequence[str], probabilities: Sequence[float], ids: Sequence[int]) -> str:
    """ "joy (90 %) and love (52 %)", the most probable first."""
    *others, last = [class_with_probability(names[i], probabilities[i]) for i in most_probable_first(probabilities) if i in ids]
    return f"{', '.join(others)} and {last}" if others else last


TASK_PAGES: Mapping[str, TaskPage] = {
    SINGLE_LABEL.key: TaskPage(
        class_columns=(
            ClassColumn("F1", "f1"),
            ClassColumn("Precision", "precision"),
            ClassColumn("Recall", "recall"),
            ClassColumn("Rows", "support", has_interval=False),
        ),
        legend="Precision: how many of the texts predicted as this class belong to it. Recall: how many of the texts of this "
        "class are predicted as such. F1: both in one number. Small numbers: 95\N{NO-BREAK SPACE}% intervals.",
        shows_all_scores=False,
        mistakes_title="Most frequent confusions",
        mistake="{true} predicted as {said}",
        rows=RowWords(
            is_="is", are="are", missed="and the model said something else", instead="and the model said {}", given="predicted as"
        ),
        said=_say_one,
        corrected="made {bold} with a temperature of {temperature:.2f}",
        answers_all="It answers every text.",
        held_back="Below {} it says “unsure”.",
    ),
    SEVERAL_LABELS.key: TaskPage(
        class_columns=(
            ClassColumn("F1", "f1"),
            ClassColumn("Precision", "precision"),
            ClassColumn("Recall", "recall"),
            ClassColumn("Average precision", "average_precision"),
            ClassColumn("Cut", "threshold", has_interval=False),
            ClassColumn("Rows", "support", has_interval=False),
        ),
        legend="Precision: how many of the texts that get this label have it. Recall: how many of the texts with this label get it. F1: both in "
        "one number. Average precision: how well its probability puts the texts with the label before the others, whatever the cut. Cut: the label is "
        "said from this probability on; validation rows chose it. Small numbers: 95\N{NO-BREAK SPACE}% intervals.",
        shows_all_scores=True,
        mistakes_title="Missed, and said instead",
        mistake="{true} missed, {said} said instead",
        rows=RowWords(
            is_="has",
            are="have",
            missed="and the model did not say so",
            instead="and the model said {} instead",
            given="given",
            missing="missed",
            surplus="not its label",
            probability=' title="That of its most probable label, whether it is said or not"',
            may_have_none=True,
        ),
        said=_say_several,
        corrected="corrected with a scale and a shift for each label",
        answers_all="It says every label that reaches its cut.",
        held_back="It says no label below {}, and “unsure” where none reaches that.",
        label_mistakes=("{} missed", "{} said wrongly"),
        nothing_said="No label is above its cut",
        true_label="Its labels: {}.",
        marks_cuts=True,
        can_correct=False,
        not_yet="For several labels a text there is no comparison of groups yet. Labels are corrected in Check labels, not beside single texts.",
    ),
}
"""By ``Task.key``."""


def page_of(task: str) -> TaskPage:
    """The page of a run's ``task``, which may be empty. Raises UserError ``unknown_task``."""
    return TASK_PAGES[find_task(task).key]
