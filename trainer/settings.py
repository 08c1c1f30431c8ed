"""Settings of the server: the runs folder, access and limits, read once from the environment.

Settings of one training are in its recipe.
"""

import math
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from platformdirs import user_data_dir

from trainer.atomic import make_folder
from trainer.errors import UserError

LOCAL_OWNER = "local"
"""The only owner as long as there are no user accounts."""

_MEGABYTE = 1024 * 1024


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
    max_uploads_bytes: int = 1000**3
    """For the page's copies of uploads together; the oldest are deleted first."""

    max_waiting_runs: int = 20
    max_runs: int = 1_000
    min_free_bytes: int = 1000**3
    """Required free disk space before a training starts."""

    password: str = field(default="", repr=False)
    """If it is not empty, every visitor must enter it first."""

    hosts: tuple[str, ...] = ()
    """Host names under which this server answers, in addition to those of its address."""

    space: bool = False
    """Whether this is a Space of the Hugging Face Hub, which shows the page in a frame."""

    save_seconds: float = 30.0
    """Between two saved states of a training; with 0, one is saved at every point of the charts."""

    checkpoint_bytes: int = 10 * 1000**3
    """For the checkpoints of ended trainings together; those of the oldest are deleted first."""

    processes: int = 0
    """Of one training; 0 means one per GPU."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """``EMOTUNE_RUNS`` is the runs folder; by default it is in the user's data folder, never in the working directory.

        ``EMOTUNE_SAVE_SECONDS`` sets ``save_seconds``, ``EMOTUNE_CHECKPOINT_GB`` ``checkpoint_bytes``, ``EMOTUNE_PROCESSES`` ``processes``,
        ``EMOTUNE_FREE_GB`` ``min_free_bytes``, ``EMOTUNE_UPLOADS_GB`` ``max_uploads_bytes``, ``EMOTUNE_PASSWORD`` ``password`` and
        ``EMOTUNE_HOSTS`` ``hosts``. Raises UserError ``setting_out_of_range`` for invalid numbers.
        """
        folder = os.environ.get("EMOTUNE_RUNS", "").strip()
        runs_dir = Path(folder).expanduser().absolute() if folder else Path(user_data_dir("emotune", appauthor=False)) / "runs"
        return cls(
            runs_dir=runs_dir,
            save_seconds=_number_from_environment("EMOTUNE_SAVE_SECONDS", cls.save_seconds),
            checkpoint_bytes=int(_number_from_environment("EMOTUNE_CHECKPOINT_GB", cls.checkpoint_bytes / 1000**3) * 1000**3),
            processes=int(_number_from_environment("EMOTUNE_PROCESSES", 0)),
            max_uploads_bytes=int(_number_from_environment("EMOTUNE_UPLOADS_GB", cls.max_uploads_bytes / 1000**3) * 1000**3),
            min_free_bytes=int(_number_from_environment("EMOTUNE_FREE_GB", cls.min_free_bytes / 1000**3) * 1000**3),
            password=os.environ.get("EMOTUNE_PASSWORD", ""),
            hosts=tuple(
                name.strip()
                for variable in ("EMOTUNE_HOSTS", "SPACE_HOST")
                for name in os.environ.get(variable, "").split(",")
                if name.strip()
            ),
            space=bool(os.environ.get("SPACE_ID")),
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
            raise UserError(
                f"Emotune cannot write to its folder {self.runs_dir} ({error.strerror or error}). "
                "Free some disk space or allow writing there, or name another folder in the environment variable EMOTUNE_RUNS.",
                code="disk_not_writable",
            ) from error


def _number_from_environment(name: str, default: float) -> float:
    value = os.environ.get(name, "").strip()
    try:
        number = float(value) if value else default
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise UserError(f"The environment variable {name} must be a number, at least 0; found “{value[:40]}”.", code="setting_out_of_range")
    return number


def prepare_environment() -> None:
    """Set environment variables that libraries read on import; call it before importing gradio, torch or transformers.

    - OMP_WAIT_POLICY: by default idle OpenMP threads spin, which slows training tenfold or worse on a busy two-core machine.
      GOMP_SPINCOUNT lets them spin for some microseconds: on two cores a seventh faster when idle, a ninth slower when another
      program uses one of them.
    - Analytics, telemetry and gradio's run history are off: what a user types or uploads is private.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_RUN_HISTORY"] = "False"
    # After each failed call gradio builds a table of the last 10,000 calls, for a page that is off.
    os.environ["GRADIO_ANALYTICS_MAX_EVENTS"] = "10"
    os.environ["GRADIO_ANALYTICS_CACHE_FREQUENCY"] = "1000000000"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_ETAG_TIMEOUT", "5")
    os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")


@contextmanager
def disk_errors_as_user_error(settings: Settings) -> Iterator[None]:
    """Turn an OSError of the block into a UserError ``disk_not_writable``."""
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Emotune could not write to {settings.runs_dir} ({error.strerror or error}). Free some disk space and try again; "
            "nothing that was there is lost.",
            code="disk_not_writable",
        ) from error
