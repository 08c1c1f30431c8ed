"""Where runs live, who is served and what everything may weigh, read once from the environment.

Nothing here is about one training run: that is the recipe's business.
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
"""The one owner there is while nobody logs in."""

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Settings:
    """Everything about this server that is not about one run."""

    runs_dir: Path
    """The folder whose sub-folders are the runs."""

    max_file_bytes: int = 100 * _MEGABYTE
    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_classes: int = 500
    max_text_chars: int = 20_000
    """Longer texts in the Try-it box and over the API are cut here before the tokenizer cuts them to its own length."""

    max_texts_per_prediction: int = 256
    max_chars_per_prediction: int = 200_000
    """Of all texts of one call together."""

    max_json_bytes: int = 4 * _MEGABYTE
    """Of one request that is no upload: all characters of a prediction, each written as an escape, and what stands around them."""

    max_files_per_upload: int = 1
    max_uploads_bytes: int = 1000**3
    """So much do the page's copies of uploads take together; the oldest go first."""

    max_waiting_runs: int = 20
    max_runs: int = 1_000
    min_free_bytes: int = 1000**3
    """So much has to be free on the disk before a training is begun."""

    password: str = field(default="", repr=False)
    """Asked for before anything else; nobody is asked where it is empty."""

    hosts: tuple[str, ...] = ()
    """Names under which this server may be asked, beside those of the address it is served on."""

    space: bool = False
    """Whether this is a Space of the Hugging Face Hub, whose pages show ours in a frame."""

    save_seconds: float = 30.0
    """Between two states that an interrupted training can go on from; with 0 there is one at every point of the charts."""

    checkpoint_bytes: int = 10 * 1000**3
    """So much do the checkpoints of trainings that ended take together; beyond it those of the oldest go."""

    processes: int = 0
    """For one training; 0 takes one for each GPU."""

    @classmethod
    def from_environment(cls) -> "Settings":
        """``EMOTUNE_RUNS`` names the runs folder; without it, the user's data folder, never the working directory.

        ``EMOTUNE_SAVE_SECONDS`` is the time between two states, ``EMOTUNE_CHECKPOINT_GB`` the room for those of trainings that ended,
        ``EMOTUNE_PROCESSES`` how many processes share a training, ``EMOTUNE_FREE_GB`` what has to be free on the disk before one begins,
        ``EMOTUNE_UPLOADS_GB`` the room for the page's copies of uploads.
        ``EMOTUNE_PASSWORD`` is asked for by the page, ``EMOTUNE_HOSTS`` names the hosts under which it may be asked. Raises UserError where
        numbers are none.
        """
        named = os.environ.get("EMOTUNE_RUNS", "").strip()
        runs_dir = Path(named).expanduser().absolute() if named else Path(user_data_dir("emotune", appauthor=False)) / "runs"
        return cls(
            runs_dir=runs_dir,
            save_seconds=_number("EMOTUNE_SAVE_SECONDS", cls.save_seconds),
            checkpoint_bytes=int(_number("EMOTUNE_CHECKPOINT_GB", cls.checkpoint_bytes / 1000**3) * 1000**3),
            processes=int(_number("EMOTUNE_PROCESSES", 0)),
            max_uploads_bytes=int(_number("EMOTUNE_UPLOADS_GB", cls.max_uploads_bytes / 1000**3) * 1000**3),
            min_free_bytes=int(_number("EMOTUNE_FREE_GB", cls.min_free_bytes / 1000**3) * 1000**3),
            password=os.environ.get("EMOTUNE_PASSWORD", ""),
            hosts=tuple(
                name.strip() for given in ("EMOTUNE_HOSTS", "SPACE_HOST") for name in os.environ.get(given, "").split(",") if name.strip()
            ),
            space=bool(os.environ.get("SPACE_ID")),
        )

    @property
    def uploads_dir(self) -> Path:
        """Where the page keeps its copies of uploaded files."""
        return self.runs_dir / "uploads"

    @property
    def file_limits(self) -> dict[str, int]:
        """The caps on one file, as the reader's keyword arguments."""
        return {"max_bytes": self.max_file_bytes, "max_rows": self.max_rows, "max_columns": self.max_columns}

    def ensure_writable(self) -> None:
        """Raise UserError where a run could not be written, so that nobody waits an hour to learn it."""
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


def _number(name: str, default: float) -> float:
    value = os.environ.get(name, "").strip()
    try:
        number = float(value) if value else default
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise UserError(f"The environment variable {name} must be a number, at least 0; found “{value[:40]}”.", code="setting_out_of_range")
    return number


def prepare_environment() -> None:
    """Set what libraries read when they are imported; call it before gradio, torch or transformers are.

    - OMP_WAIT_POLICY: with the default, idle OpenMP threads spin, and on a busy two-core machine training slows tenfold or worse.
      GOMP_SPINCOUNT lets them spin for some microseconds: on two cores a seventh quicker when quiet, a ninth slower when another
      program wants one of them.
    - Analytics, telemetry and gradio's run history are off: what a person types or uploads is nobody else's business.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("GOMP_SPINCOUNT", "3000")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_RUN_HISTORY"] = "False"
    # Gradio makes a table of the last 10,000 calls after each call that failed, for a page that is off.
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
