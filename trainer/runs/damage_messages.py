"""Messages about damaged files of a run: which file, what still works, what to do."""

from collections.abc import Iterable

from trainer.runs.run_files import CARD, DECISIONS, DRAFT, INPUT_SEAL, MODEL, PREDICTIONS, RECIPE, RESULT_SEAL, ROWS, SOURCE


def damaged_lines_message(name: str, lines: int) -> str:
    """Lines of the log were skipped, or lines before them were removed."""
    lines_are = "1 line is" if lines == 1 else f"{lines:,} lines are"
    return (
        f"In the log of {name} (events.jsonl) {lines_are} damaged or out of place: a point of its curves, or a note of how the training went, may be "
        "missing."
    )


def lost_beginning_message(name: str) -> str:
    return (
        f"The log of {name} (events.jsonl) no longer says how the run began, so it cannot be resumed or trained further. "
        "What is whole of it can still be looked at; delete it when you no longer need it, and start a new one."
    )


def foreign_log_message(name: str) -> str:
    return (
        f"The log of {name} (events.jsonl) is that of another run, so this one cannot be resumed or trained further. "
        "Look at the run that it belongs to, and delete this one; if its folder is a copy of another, the files are of that run."
    )


def cut_log_message(name: str) -> str:
    """The sealed part of the log has changed or is shorter now."""
    return (
        f"The log of {name} (events.jsonl) has lost a part of what stood in it when the training ended: its curves or its state may not be all "
        "there was. Start a new run if you need them; this one can be deleted."
    )


def unreadable_log_message(name: str, why: str) -> str:
    return f"The log of {name} (events.jsonl) cannot be read ({why}). Allow reading it, or delete the run."


def damaged_files_messages(name: str, damaged: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each part of the run; ``damaged`` are paths in the run's folder."""
    return tuple(_SENTENCES[part].format(name=name, files=_listed(paths)) for part, paths in _by_part(damaged).items())


def remaining_uses_messages(damaged: Iterable[str]) -> tuple[str, ...]:
    """What still works and what to do, if ``damaged`` are all damaged files of a run; empty if nothing is lost."""
    lost = set().union(*(_LOST[part] for part in _by_part(damaged)))
    if not lost:
        return ()
    works = ["its curves", *(part for part in ("its scores", "its model") if part not in lost)]
    listed = works[0] if len(works) == 1 else f"{', '.join(works[:-1])} and {works[-1]}"
    return (f"What still works: {listed}. {WHAT_TO_DO}",)


def _by_part(paths: Iterable[str]) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for path in paths:
        parts.setdefault(_part_of(path), []).append(path)
    return parts


def _part_of(path: str) -> str:
    if path in _SENTENCES:
        return path
    if path.startswith(DECISIONS):
        return DECISIONS
    return MODEL if path.startswith(f"{MODEL}/") else SOURCE


def _listed(paths: list[str], limit: int = 3) -> str:
    rest = f" and {len(paths) - limit} more" if len(paths) > limit else ""
    return ", ".join(paths[:limit]) + rest


WHAT_TO_DO = "Start a new run from the original file for what is lost; this one can be deleted."

_SENTENCES = {
    RECIPE: "The settings of {name} ({files}) are damaged, missing or of another run, so it cannot be resumed or trained further.",
    ROWS: "The rows that {name} learns from ({files}) are damaged or missing, so it cannot be compared, resumed or trained further.",
    SOURCE: "The copy of the original file that lies with {name} ({files}) is damaged or missing; the run works without it. Keep your own copy.",
    DRAFT: (
        "What was chosen for the file of {name} ({files}) is damaged or missing, so it cannot be prepared again from the run; the run works without it."
    ),
    DECISIONS: (
        "The copy of the decisions on labels that lies with {name} ({files}) is damaged or missing, so the run no longer tells which they were; "
        "it works without them."
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
    DECISIONS: set(),
    PREDICTIONS: {"its scores"},
    MODEL: {"its model"},
    CARD: {"download"},
    INPUT_SEAL: {"further"},
    RESULT_SEAL: {"its scores", "its model"},
}
