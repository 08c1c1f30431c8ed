"""What is said of damaged files of a run: which file, what still works, what to do. Sentences only; who finds the damage is ``seal``."""

from collections.abc import Iterable

LOG, RECIPE, ROWS, PREDICTIONS, MODEL, CARD = (
    "events.jsonl",
    "recipe.json",
    "data.parquet",
    "predictions.parquet",
    "model",
    "model/README.md",
)
INPUT_SEAL, RESULT_SEAL = "inputs.seal.json", "results.seal.json"


def log_lines(name: str, lines: int) -> str:
    """Lines of the log that were passed over."""
    count = "1 line is" if lines == 1 else f"{lines:,} lines are"
    return (
        f"Of the log of {name} (events.jsonl) {count} damaged and passed over: a point of its curves or a word on its state may be missing. "
        "What else is shown is whole."
    )


def log_lost_its_beginning(name: str) -> str:
    return (
        f"The log of {name} (events.jsonl) no longer says how the run began, so it cannot be resumed or trained further. "
        "What is whole of it can still be looked at; delete it when you no longer need it, and start a new one."
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
    kinds: dict[str, list[str]] = {}
    for file in damaged:
        kinds.setdefault(_kind(file), []).append(file)
    return tuple(_SENTENCES[kind].format(name=name, files=_listed(of_kind)) for kind, of_kind in kinds.items())


def _kind(file: str) -> str:
    if file in _SENTENCES:
        return file
    return MODEL if file.startswith(f"{MODEL}/") else "source"


def _listed(paths: list[str], most: int = 3) -> str:
    rest = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + rest


_SENTENCES = {
    RECIPE: (
        "The settings of {name} ({files}) are damaged or missing. Its curves, scores and model still work; it cannot be resumed or trained "
        "further. Start a new run with settings of your own."
    ),
    ROWS: (
        "The rows that {name} learns from ({files}) are damaged or missing. Its curves, scores and model still work; it cannot be compared, "
        "resumed or trained further. Start a new run from the original file."
    ),
    "source": (
        "The copy of the original file that lies with {name} ({files}) is damaged or missing. The run works without it; keep your own copy."
    ),
    PREDICTIONS: (
        "The predictions of {name} ({files}) are damaged or missing, so it has no scores. Its curves and its model still work. "
        "Train it again for new scores."
    ),
    MODEL: (
        "The model of {name} ({files}) is damaged or missing, so it is neither used nor handed out. Its curves and scores still stand. "
        "Train it again."
    ),
    CARD: (
        "The model card of {name} ({files}) is damaged or missing, so the model is not handed out as a zip. It still answers in tab 4, Try it. "
        "Train it again for a new card."
    ),
    INPUT_SEAL: (
        "The checksums of the rows of {name} ({files}) are damaged or missing, so nobody can tell whether its rows are whole. Its curves, scores "
        "and model still work; it cannot be compared, resumed or trained further. Start a new run from the original file."
    ),
    RESULT_SEAL: (
        "The checksums of the results of {name} ({files}) are damaged or missing, so nobody can tell whether its model and its scores are whole; "
        "they are not used. Its curves still stand. Train it again, or delete it."
    ),
}
