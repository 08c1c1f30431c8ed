"""Every table of the documentation, by its name; each is written from what the code itself uses."""

import dataclasses
import inspect
import json
from collections.abc import Callable
from pathlib import Path

from tests.docs.commands import command_table
from tests.docs.endpoints import endpoint_table
from tests.docs.events import event_table
from tests.docs.markdown import code, sentence, table
from tests.docs.refusals import refusal_table
from trainer.data.checks.encoder import ENCODER_CHECKS
from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.checks.repairs import REPAIRS
from trainer.data.files.table import READER_WARNINGS, Limits
from trainer.data.task import TASKS
from trainer.error_codes import ERROR_CODES
from trainer.errors import UserError
from trainer.evaluation.diagnostics import TRAINING_CHECKS
from trainer.evaluation.metrics import EVALUATIONS
from trainer.evaluation.result_checks import RESULT_CHECKS
from trainer.presets import PRESETS
from trainer.recipe import Recipe
from trainer.recipe_fields import RecipeField, fields_of
from trainer.security.connections import HEADER_TIMEOUT
from trainer.security.request_body_limit import BodyTimeouts
from trainer.settings import LIBRARY_DEFAULTS, LIBRARY_VALUES, VARIABLES, Settings
from trainer.studio import Studio

_SETTINGS = Settings(Path("runs"))
"""The settings of a server whose environment sets none; nothing is written."""


def _settings() -> str:
    rows = [(code(f.name), sentence(f.label), _values(f), _default(f), sentence(f.help)) for f in fields_of(Recipe).values()]
    return table(["setting", "on the page", "values", "default", "meaning"], rows)


def _values(field: RecipeField) -> str:
    return ", ".join(map(code, field.choices)) or field.values


def _default(field: RecipeField) -> str:
    return field.default_text if field.default in (None, ()) else code(field.default_text)


def _presets() -> str:
    rows = [(p.name, sentence(p.description), _changes(p.file)) for p in PRESETS]
    return table(["preset", "what it is", "settings other than the defaults"], rows)


def _changes(file: Path) -> str:
    values, defaults = json.loads(file.read_text(encoding="utf-8")), Recipe().to_dict()
    return ", ".join(code(f"{name}={value}") for name, value in values.items() if defaults[name] != value)


def _checks() -> str:
    registries = (("file", FILE_CHECKS), ("file", ENCODER_CHECKS), ("training", TRAINING_CHECKS), ("result", RESULT_CHECKS))
    rows = [(code(c.code), subject, sentence(c.title), c.only_for or "all") for subject, checks in registries for c in checks]
    return table(["code", "of a", "what holds if it passes", "applies to"], rows)


def _repairs() -> str:
    return table(
        ["code", "button", "what happens to a row"], [(code(name), sentence(r.title), sentence(r.done)) for name, r in REPAIRS.items()]
    )


def _reader_warnings() -> str:
    return table(["code", "what the reader did"], [(code(name), sentence(meaning)) for name, meaning in READER_WARNINGS.items()])


def _metrics() -> str:
    rows = [
        (code(metric.key), metric.title, task.name, metric.description.format(classes="every class that occurs"))
        for task in TASKS.values()
        for metric in EVALUATIONS[task.key].metrics
    ]
    return table(["code", "metric", "of", "meaning"], rows)


def _errors() -> str:
    """A table for each class of errors; the refusals of requests have one of their own."""
    classes = dict.fromkeys(entry.error for entry in ERROR_CODES.values() if entry.error is not None)
    return "\n\n".join(map(_errors_of, classes))


def _errors_of(error: type[UserError]) -> str:
    rows = [(code(e.code), sentence(e.meaning), sentence(e.what_to_do)) for e in ERROR_CODES.values() if e.error is error]
    about = f"{sentence(inspect.getdoc(error).splitlines()[0])} HTTP status {error.status}, exit status {error.exit_status}."
    return f"### {error.__name__}\n\n{about}\n\n{table(['code', 'meaning', 'what to do'], rows)}"


def _environment() -> str:
    return table(["variable", "default", "meaning"], [(code(v.name), v.default, v.meaning) for v in VARIABLES])


def _library_environment() -> str:
    given = [(code(name), code(value), "yes") for name, value in LIBRARY_DEFAULTS.items()]
    return table(
        ["variable", "value", "your own value counts"], given + [(code(name), code(value), "no") for name, value in LIBRARY_VALUES.items()]
    )


def _limits() -> str:
    settings, body = _SETTINGS, BodyTimeouts()
    file = Limits(**settings.file_limits)
    variable = {f.name: code(f.metadata["variable"].name) for f in dataclasses.fields(Settings) if "variable" in f.metadata}
    rows = [
        ("trainings in the queue", f"{settings.max_waiting_runs:,}; the page warns from three quarters on", ""),
        ("runs", f"{settings.max_runs:,}; the page warns from three quarters on", ""),
        (
            "free disk space before a training starts or, on a server for several, a file is opened",
            f"at least {_gigabytes(settings.min_free_bytes)}",
            variable["min_free_bytes"],
        ),
        ("one file", f"{_megabytes(settings.max_file_bytes)}, {settings.max_files_per_upload} at a time", ""),
        ("rows, columns and classes of a file", f"{settings.max_rows:,}, {settings.max_columns:,} and {settings.max_classes:,}", ""),
        ("characters of a file", f"{file.max_chars:,}, and {file.max_cell_chars:,} in one cell", ""),
        ("copies of uploaded files", f"{_gigabytes(settings.max_uploads_bytes)} in total", variable["max_uploads_bytes"]),
        (
            "texts of one `/predict`",
            f"{settings.max_texts_per_prediction:,}, with {settings.max_chars_per_prediction:,} characters in total",
            "",
        ),
        ("any other request", _megabytes(settings.max_json_bytes), ""),
        ("time to send the headers", f"{HEADER_TIMEOUT:g} seconds", ""),
        (
            "time to send the body",
            f"{body.base_seconds:g} seconds, and one more for each {body.bytes_per_second / 1024:g} kB received; no pause above {body.max_pause:g} seconds",
            "",
        ),
    ]
    return table(["what", "limit", "variable"], rows)


def _gigabytes(size: float) -> str:
    return f"{size / 1000**3:g} GB"


def _megabytes(size: float) -> str:
    return f"{size / 1024**2:g} MB"


TABLES: dict[str, Callable[[], str]] = {
    "settings": _settings,
    "presets": _presets,
    "commands": command_table,
    "endpoints": lambda: endpoint_table(Studio(_SETTINGS)),
    "events": event_table,
    "checks": _checks,
    "reader_warnings": _reader_warnings,
    "repairs": _repairs,
    "metrics": _metrics,
    "errors": _errors,
    "refusals": refusal_table,
    "environment": _environment,
    "library_environment": _library_environment,
    "limits": _limits,
}
