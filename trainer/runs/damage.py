"""What is said of damaged files of a run: which file, what still works, what to do. Sentences only; who finds the damage is ``seal``."""

from collections.abc import Iterable

LOG, RECIPE, DRAFT, ROWS, PREDICTIONS, MODEL, CARD = (
    "events.jsonl",
    "recipe.json",
    "draft.json",
    "data.parquet",
    "predictions.parquet",
    "model",
    "model/README.md",
)
SOURCE = "source"
"""The file to learn from; the names of those given beside it begin so."""
INPUT_SEAL, RESULT_SEAL = "inputs.seal.json", "results.seal.json"


def log_lines(name: str, lines: int) -> str:
    """Lines of the log that were passed over, or before which others were removed."""
    count = "1 line is" if lines == 1 else f"{lines:,} lines are"
    return (
        f"In the log of {name} (events.jsonl) {count} damaged or out of place: a point of its curves, or a note of how the training went, may be "
        "missing."
    )


def log_lost_its_beginning(name: str) -> str:
    return (
        f"The log of {name} (events.jsonl) no longer says how the run began, so it cannot be resumed or trained further. "
        "What is whole of it can still be looked at; delete it when you no longer need it, and start a new one."
    )


def log_of_another_run(name: str) -> str:
    return (
        f"The log of {name} (events.jsonl) is that of another run, so this one cannot be resumed or trained further. "
        "Look at the run that it belongs to, and delete this one; if its folder is a copy of another, the files are of that run."
    )


def log_cut(name: str) -> str:
    """What was sealed of the log is shorter or another now."""
    return (
        f"The log of {name} (events.jsonl) has lost a part of what stood in it when the training ended: its curves or its state may not be all "
        "there was. Start a new run if you need them; this one can be deleted."
    )


def log_unreadable(name: str, why: str) -> str:
    return f"The log of {name} (events.jsonl) cannot be read ({why}). Allow reading it, or delete the run."


def files(name: str, damaged: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each kind of file; ``damaged`` has their paths in the run's folder."""
    return tuple(_SENTENCES[kind].format(name=name, files=_listed(of_kind)) for kind, of_kind in _by_kind(damaged).items())


def what_is_left(damaged: Iterable[str]) -> tuple[str, ...]:
    """What still works of a run and what to do, in a sentence, where ``damaged`` are all its damaged files; nothing where nothing is lost."""
    lost = set().union(*(_LOST[kind] for kind in _by_kind(damaged)))
    if not lost:
        return ()
    left = ["its curves", *(what for what in ("its scores", "its model") if what not in lost)]
    listed = left[0] if len(left) == 1 else f"{', '.join(left[:-1])} and {left[-1]}"
    return (f"What still works: {listed}. {WHAT_TO_DO}",)


def _by_kind(paths: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for path in paths:
        kinds.setdefault(_kind(path), []).append(path)
    return kinds


def _kind(file: str) -> str:
    if file in _SENTENCES:
        return file
    return MODEL if file.startswith(f"{MODEL}/") else SOURCE


def _listed(paths: list[str], most: int = 3) -> str:
    rest = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + rest


WHAT_TO_DO = "Start a new run from the original file for what is lost; this one can be deleted."

_SENTENCES = {
    RECIPE: "The settings of {name} ({files}) are damaged, missing or of another run, so it cannot be resumed or trained further.",
    ROWS: "The rows that {name} learns from ({files}) are damaged or missing, so it cannot be compared, resumed or trained further.",
    SOURCE: "The copy of the original file that lies with {name} ({files}) is damaged or missing; the run works without it. Keep your own copy.",
    DRAFT: (
        "What was chosen for the file of {name} ({files}) is damaged or missing, so it cannot be prepared again from the run; the run works without it."
    ),
    PREDICTIONS: "The predictions of {name} ({files}) are damaged or missing, so it has no scores and cannot be compared.",
    MODEL: "The model of {name} ({files}) is damaged, lacks files or has others added, so it can be neither tried nor downloaded.",
    CARD: "The model card of {name} ({files}) is damaged or missing, so the model cannot be downloaded.",
    INPUT_SEAL: (
        "The file by which we check that the rows of {name} are unchanged ({files}) is damaged, missing or of another run, so it cannot be compared, resumed or "
        "trained further."
    ),
    RESULT_SEAL: (
        "The file by which we check that the model and the scores of {name} are unchanged ({files}) is damaged, missing or of another run, so they are not "
        "used."
    ),
}
_LOST = {
    RECIPE: {"further"},
    ROWS: {"further"},
    SOURCE: set(),
    DRAFT: set(),
    PREDICTIONS: {"its scores"},
    MODEL: {"its model"},
    CARD: {"download"},
    INPUT_SEAL: {"further"},
    RESULT_SEAL: {"its scores", "its model"},
}
