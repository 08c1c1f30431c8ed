"""Settings of the server: the runs folder, access and limits, read once from the environment.

Settings of one training are in its recipe.
"""

import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from platformdirs import user_data_dir

from trainer.atomic import make_folder
from trainer.errors import RecipeError, UnavailableError

LOCAL_OWNER = "local"
"""The only owner as long as there are no user accounts."""

_MEGABYTE = 1024 * 1024
_GIGABYTE = 1000**3


@dataclass(frozen=True)
class Variable:
    """An environment variable that is read: its name, what it means, and what holds without it."""

    name: str
    meaning: str
    default: str


def _number(variable: str, default: float, meaning: str, *, unit: int = 1) -> Any:
    """A field whose value is the number in an environment variable times ``unit``; ``meaning`` is for the reader of the documentation."""
    return field(default=default, metadata={"variable": Variable(variable, meaning, f"{default / unit:g}"), "unit": unit})


@dataclass(frozen=True)
class Settings:
    """Settings of the server that do not depend on a run."""

    runs_dir: Path
    """The folder that contains the folders of the runs."""

    max_file_bytes: int = 100 * _MEGABYTE
    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_classes: int = 500
    max_text_chars: int = 20_000
    """Longer texts on the Try-it tab and in API calls are cut to this before they are tokenized."""

    max_texts_per_prediction: int = 256
    max_chars_per_prediction: int = 200_000
    """Of all texts of one call together."""

    max_json_bytes: int = 4 * _MEGABYTE
    """Of one request that is not an upload; enough for the largest prediction with every character escaped."""

    max_files_per_upload: int = 1
    max_uploads_bytes: int = _number(
        "EMOTUNE_UPLOADS_GB",
        _GIGABYTE,
        "Gigabytes for the copies of uploaded files together. The oldest are deleted first, none of the last ten minutes.",
        unit=_GIGABYTE,
    )

    max_waiting_runs: int = 20
    max_runs: int = 1_000
    min_free_bytes: int = _number(
        "EMOTUNE_FREE_GB",
        _GIGABYTE,
        "Gigabytes that must be free on the disk before a training starts; the page warns below three times as many.",
        unit=_GIGABYTE,
    )

    password: str = field(default="", repr=False)
    """If it is not empty, every visitor must enter it first."""

    hosts: tuple[str, ...] = ()
    """Host names under which this server answers, in addition to those of its address."""

    space: bool = False
    """Whether this is a Space of the Hugging Face Hub, which shows the page in a frame."""

    save_seconds: float = _number(
        "EMOTUNE_SAVE_SECONDS", 30.0, "Seconds between two checkpoints of a training; with 0, one is saved at every point of the charts."
    )
    checkpoint_bytes: int = _number(
        "EMOTUNE_CHECKPOINT_GB",
        10 * _GIGABYTE,
        "Gigabytes for the checkpoints of ended trainings together. Beyond that, those of the oldest are deleted when the next training ends.",
        unit=_GIGABYTE,
    )
    processes: int = _number("EMOTUNE_PROCESSES", 0, "Processes of one training; 0 means one for each GPU.")

    @classmethod
    def from_environment(cls) -> "Settings":
        """The settings in the environment variables of ``VARIABLES``. Raises UserError ``setting_out_of_range`` for invalid numbers."""
        folder = os.environ.get("EMOTUNE_RUNS", "").strip()
        # By default in the user's data folder, never in the working directory.
        runs_dir = Path(folder).expanduser().absolute() if folder else Path(user_data_dir("emotune", appauthor=False)) / "runs"
        return cls(
            runs_dir=runs_dir,
            password=os.environ.get("EMOTUNE_PASSWORD", ""),
            hosts=tuple(
                name.strip()
                for variable in ("EMOTUNE_HOSTS", "SPACE_HOST")
                for name in os.environ.get(variable, "").split(",")
                if name.strip()
            ),
            space=bool(os.environ.get("SPACE_ID")),
            **{f.name: _number_from_environment(f) for f in _numbers(cls)},
        )

    @property
    def uploads_dir(self) -> Path:
        """The page's copies of uploaded files."""
        return self.runs_dir / "uploads"

    @property
    def file_limits(self) -> dict[str, int]:
        """The limits of one file, as keyword arguments of the reader."""
        return {"max_bytes": self.max_file_bytes, "max_rows": self.max_rows, "max_columns": self.max_columns}

    def ensure_writable(self) -> None:
        """Create the runs folder and write into it. Raises UserError ``disk_not_writable``, so that this does not fail after an hour of training."""
        probe = self.runs_dir / f".probe-{secrets.token_hex(4)}"
        try:
            make_folder(self.runs_dir)
            probe.write_bytes(b"emotune")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"Emotune cannot write to its folder {self.runs_dir} ({error.strerror or error}). "
                "Free some disk space or allow writing there, or name another folder in the environment variable EMOTUNE_RUNS.",
                code="disk_not_writable",
            ) from error


def _numbers(cls: type) -> list[Field]:
    return [f for f in fields(cls) if "variable" in f.metadata]


def _number_from_environment(f: Field) -> float:
    """The number in the variable of a field, in the field's unit and type."""
    name, unit = f.metadata["variable"].name, f.metadata["unit"]
    value = os.environ.get(name, "").strip()
    try:
        number = float(value) if value else f.default / unit
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise RecipeError(
            f"The environment variable {name} must be a number, at least 0; found “{value[:40]}”.", code="setting_out_of_range"
        )
    return type(f.default)(number * unit)


VARIABLES: tuple[Variable, ...] = (
    Variable("EMOTUNE_RUNS", "The folder of the runs and of opened files.", "`runs` in your data folder"),
    Variable("EMOTUNE_PASSWORD", "The password that every visitor must give first.", "none"),
    Variable("EMOTUNE_HOSTS", "Further host names of the page, separated by commas; `*.example.org` stands for all subdomains.", "none"),
    *(f.metadata["variable"] for f in _numbers(Settings)),
    Variable("GRADIO_SERVER_NAME", "The address of the page. One that others can reach needs a password, or `--public`.", "127.0.0.1"),
    Variable("GRADIO_SERVER_PORT", "The port of the page.", "the first free one from 7860"),
    Variable("GRADIO_ROOT_PATH", "The path under which a proxy serves the page.", "none"),
    Variable("GRADIO_TEMP_DIR", "The folder for the copies of uploaded files.", "`uploads` in the folder of the runs"),
    Variable("SPACE_ID", "Set on a Space of the Hugging Face Hub: the Hub may embed the page, and no browser is opened.", "no Space"),
    Variable("SPACE_HOST", "Set on a Space: its host names, in addition to those of `EMOTUNE_HOSTS`.", "none"),
    Variable("CI", "With any value, no browser is opened at the start.", "not set"),
    Variable("DISPLAY", "Set on Linux if there is a screen; only then a browser is opened at the start.", "no screen"),
    Variable("WAYLAND_DISPLAY", "Like `DISPLAY`.", "no screen"),
    Variable("WORLD_SIZE", "Set by `torchrun` and `accelerate`: the number of processes that train one run together.", "1"),
    Variable("RANK", "Set by them: the number of this process; 0 reads the file and writes the run.", "0"),
    Variable("LOCAL_WORLD_SIZE", "Set by them: the number of processes on this machine.", "`WORLD_SIZE`"),
    Variable("PYTHONPATH", "Passed on to the processes of a training on several GPUs, behind the folder of Emotune.", "none"),
)
"""All environment variables that Emotune itself reads. Those that it sets for libraries are in ``prepare_environment``."""

LIBRARY_DEFAULTS = {
    # By default idle OpenMP threads spin, which slows training tenfold or worse on a busy two-core machine.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Lets them spin for some microseconds: on two cores a seventh faster when idle, a ninth slower when another program uses one of them.
    "GOMP_SPINCOUNT": "3000",
    "TOKENIZERS_PARALLELISM": "true",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_ETAG_TIMEOUT": "5",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}
"""Environment variables of libraries, with the value that they get unless they have one."""

LIBRARY_VALUES = {
    # What a user types or uploads is private.
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_RUN_HISTORY": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # After each failed call gradio builds a table of the last 10,000 calls, for a page that is off.
    "GRADIO_ANALYTICS_MAX_EVENTS": "10",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": "1000000000",
}
"""Environment variables of libraries that always have this value: analytics, telemetry and gradio's run history are off."""


def prepare_environment() -> None:
    """Set environment variables that libraries read on import; call it before importing gradio, torch or transformers."""
    for name, value in LIBRARY_DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.update(LIBRARY_VALUES)


@contextmanager
def disk_errors_as_user_error(settings: Settings) -> Iterator[None]:
    """Turn an OSError of the block into a UserError ``disk_not_writable``."""
    try:
        yield
    except OSError as error:
        raise UnavailableError(
            f"Emotune could not write to {settings.runs_dir} ({error.strerror or error}). Free some disk space and try again; "
            "nothing that was there is lost.",
            code="disk_not_writable",
        ) from error
