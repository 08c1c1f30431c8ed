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
"""The only owner in local mode."""
SERVER_OWNER = "server"
"""The owner of what a server offers to everybody."""

SPACE_BUCKET = Path("/data")
"""Where the bucket of a Space is by convention, which keeps its files while the Space sleeps."""

_MEGABYTE = 1024 * 1024
_GIGABYTE = 1000**3


@dataclass(frozen=True)
class Variable:
    """An environment variable that is read: its name, what it means, and what holds without it."""

    name: str
    meaning: str
    default: str


@dataclass(frozen=True)
class Mode:
    """Who uses a server, chosen once at its start."""

    name: str
    title: str
    """In the header of the page; empty if there is nothing to say."""
    meaning: str
    separate_visitors: bool
    """Whether each visitor has files and runs of their own, which no other sees."""
    named: bool = False
    """Whether visitors log in with a name and a password; otherwise separate ones are browsers."""
    offers_model: bool = False
    """Whether a model of the server's own, trained on the sample, answers everybody at once."""

    @property
    def anonymous(self) -> bool:
        """Whether visitors are strangers."""
        return self.separate_visitors and not self.named


LOCAL = Mode("local", "", "One owner: whoever can open the page sees and changes everything.", separate_visitors=False)
TEAM = Mode(
    "team",
    "Team",
    "Named users: each has their own files and runs, which no other sees.",
    separate_visitors=True,
    named=True,
)
PUBLIC = Mode(
    "public",
    "Public demo",
    "Anonymous visitors: each browser has its own files and runs, tight limits, and is forgotten after a while.",
    separate_visitors=True,
    offers_model=True,
)
MODES = {mode.name: mode for mode in (LOCAL, TEAM, PUBLIC)}


def _number(variable: str, default: float, meaning: str, *, public: float | None = None, unit: int = 1) -> Any:
    """A field whose value is the number in an environment variable times ``unit``; ``meaning`` is for the reader of the documentation.

    ``public`` is the default in public mode, if it is another one.
    """
    shown = f"{default / unit:,.10g}" if public is None else f"{default / unit:,.10g}, in public mode {public / unit:,.10g}"
    metadata = {"variable": Variable(variable, meaning, shown), "unit": unit, "public": default if public is None else public}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Settings of the server that do not depend on a run."""

    runs_dir: Path
    """The folder that contains the folders of the runs."""

    mode: Mode = LOCAL

    max_file_bytes: int = _number(
        "EMOTUNE_FILE_MB", 100 * _MEGABYTE, "Megabytes of one uploaded file.", public=10 * _MEGABYTE, unit=_MEGABYTE
    )
    max_unpacked_bytes: int = _number(
        "EMOTUNE_UNPACKED_MB", 100 * _MEGABYTE, "Megabytes of a file once it is unpacked.", public=30 * _MEGABYTE, unit=_MEGABYTE
    )
    max_rows: int = _number("EMOTUNE_ROWS", 1_000_000, "Rows of a file.", public=20_000)
    max_columns: int = 1_000
    max_classes: int = _number("EMOTUNE_CLASSES", 500, "Classes of a file.", public=100)
    max_text_chars: int = _number(
        "EMOTUNE_TEXT_CHARACTERS",
        20_000,
        "Characters of a text to be classified; longer ones are cut before they are tokenized.",
        public=2_000,
    )

    max_texts_per_prediction: int = _number("EMOTUNE_TEXTS", 256, "Texts of one call that predicts.", public=32)
    max_chars_per_prediction: int = 200_000
    """Of all texts of one call together."""

    max_predictions_per_minute: int = _number(
        "EMOTUNE_PREDICTIONS_PER_MINUTE", 0, "Predictions that one visitor may ask for in a minute; 0 is no limit.", public=60
    )

    max_json_bytes: int = 4 * _MEGABYTE
    """Of one request that is not an upload; enough for the largest prediction with every character escaped."""

    max_files_per_upload: int = 1
    max_uploads_bytes: int = _number(
        "EMOTUNE_UPLOADS_GB",
        _GIGABYTE,
        "Gigabytes for the copies of uploaded files together. The oldest are deleted first, none of the last ten minutes.",
        unit=_GIGABYTE,
    )

    max_drafts: int = _number("EMOTUNE_DRAFTS", 20, "Opened files that are kept of one owner; the oldest go first.", public=3)
    max_waiting_runs: int = _number("EMOTUNE_WAITING", 20, "Trainings of one owner that may wait.", public=1)
    max_waiting_in_all: int = _number("EMOTUNE_WAITING_IN_ALL", 20, "Trainings of all owners together that may wait.")
    max_starts_per_hour: int = _number(
        "EMOTUNE_STARTS_PER_HOUR", 0, "Trainings that one owner may start in an hour; 0 is no limit.", public=5
    )
    max_training_seconds: int = _number(
        "EMOTUNE_TRAINING_MINUTES",
        0,
        "Minutes of one training, which then ends and keeps its best model; 0 is no limit.",
        public=10 * 60,
        unit=60,
    )
    max_runs: int = _number("EMOTUNE_KEPT_RUNS", 1_000, "Runs that are kept of one owner.", public=5)
    max_owner_bytes: int = _number(
        "EMOTUNE_OWNER_MB", 0, "Megabytes of all files and runs of one owner; 0 is no limit.", public=300 * _MEGABYTE, unit=_MEGABYTE
    )
    keep_seconds: int = _number(
        "EMOTUNE_KEEP_HOURS",
        0,
        "Hours after the last visit, at which everything of a visitor is deleted; 0 is never.",
        public=24 * 3600,
        unit=3600,
    )
    max_pages: int = _number("EMOTUNE_PAGES", 0, "Pages that one visitor may have open; 0 is no limit.", public=5)
    max_pages_in_all: int = _number("EMOTUNE_PAGES_IN_ALL", 0, "Pages of all visitors that may be open; 0 is no limit.", public=200)
    idle_seconds: float = _number(
        "EMOTUNE_IDLE_SECONDS", 1.0, "Seconds after which a page on which nothing trains asks again for what is new.", public=10.0
    )
    max_memory_percent: int = _number(
        "EMOTUNE_MEMORY_PERCENT",
        0,
        "Per cent of the memory in use, of the machine or its container, above which no file is read; 0 is no limit.",
        public=85,
    )
    min_free_bytes: int = _number(
        "EMOTUNE_FREE_GB",
        _GIGABYTE,
        "Gigabytes that must be free on the disk before a training starts or, on a server for several, a file is opened; the page warns below three times as many.",
        public=5 * _GIGABYTE,
        unit=_GIGABYTE,
    )

    password: str = field(default="", repr=False)
    """If it is not empty, every visitor must enter it first."""

    hosts: tuple[str, ...] = ()
    """Host names under which this server answers, in addition to those of its address."""

    space: bool = False
    """Whether this is a Space of the Hugging Face Hub, which shows the page in a frame."""

    forgets: bool = False
    """Whether the disk with the runs is empty again after the server has slept: that of a Space, unless they are in a bucket."""

    save_seconds: float = _number(
        "EMOTUNE_SAVE_SECONDS", 30.0, "Seconds between two checkpoints of a training; with 0, one is saved at every point of the charts."
    )
    checkpoint_bytes: int = _number(
        "EMOTUNE_CHECKPOINT_GB",
        10 * _GIGABYTE,
        "Gigabytes for the checkpoints of ended trainings together. Beyond that, those of the oldest are deleted when the next training ends.",
        public=0,
        unit=_GIGABYTE,
    )
    processes: int = _number("EMOTUNE_PROCESSES", 0, "Processes of one training; 0 means one for each GPU.")

    @classmethod
    def from_environment(cls, *, public: bool = False) -> "Settings":
        """The settings in the environment variables of ``VARIABLES``; without EMOTUNE_MODE the mode is public on a Space and with ``public``.

        Raises UserError ``setting_out_of_range`` for invalid numbers and modes.
        """
        space = bool(os.environ.get("SPACE_ID"))
        mode = _mode_from_environment(PUBLIC if public or space else LOCAL)
        folder = os.environ.get("EMOTUNE_RUNS", "").strip()
        runs_dir = Path(folder).expanduser().absolute() if folder else _default_runs_dir(space=space)
        return cls(
            runs_dir=runs_dir,
            mode=mode,
            password=os.environ.get("EMOTUNE_PASSWORD", ""),
            hosts=tuple(
                name.strip()
                for variable in ("EMOTUNE_HOSTS", "SPACE_HOST")
                for name in os.environ.get(variable, "").split(",")
                if name.strip()
            ),
            space=space,
            forgets=space and not _is_mounted(runs_dir),
            **{f.name: _number_from_environment(f, mode) for f in _numbers(cls)},
        )

    @property
    def uploads_dir(self) -> Path:
        """The page's copies of uploaded files."""
        return self.runs_dir / "uploads"

    @property
    def where(self) -> str:
        """The folder of the runs for a message, after a blank; empty if visitors see it, who need not know how folders are named."""
        return "" if self.mode.separate_visitors else f" {self.runs_dir}"

    @property
    def users_file(self) -> Path:
        """The users of a team."""
        return self.runs_dir / "users.json"

    @property
    def visits_file(self) -> Path:
        """When each visitor was last here."""
        return self.runs_dir / "visits.json"

    @property
    def file_limits(self) -> dict[str, int]:
        """The limits of one file, as keyword arguments of the reader."""
        return {"max_bytes": self.max_unpacked_bytes, "max_rows": self.max_rows, "max_columns": self.max_columns}

    def ensure_writable(self) -> None:
        """Create the runs folder and write into it. Raises UserError ``disk_not_writable``, so that this does not fail after an hour of training."""
        probe = self.runs_dir / f".probe-{secrets.token_hex(4)}"
        try:
            make_folder(self.runs_dir)
            probe.write_bytes(b"emotune")
            probe.unlink(missing_ok=True)
        except OSError as error:
            raise UnavailableError(
                f"Emotune cannot write to its folder{self.where} ({error.strerror or error}). "
                "Free some disk space or allow writing there, or name another folder in the environment variable EMOTUNE_RUNS.",
                code="disk_not_writable",
            ) from error


def _default_runs_dir(*, space: bool) -> Path:
    """In the user's data folder, never in the working directory; on a Space in its bucket, if there is one."""
    if space and os.path.ismount(SPACE_BUCKET) and os.access(SPACE_BUCKET, os.W_OK):
        return SPACE_BUCKET / "emotune" / "runs"
    return Path(user_data_dir("emotune", appauthor=False)) / "runs"


def _is_mounted(folder: Path) -> bool:
    """Whether a folder is on a disk of its own."""
    return any(os.path.ismount(path) for path in (folder, *folder.parents) if path != path.parent)


def _numbers(cls: type) -> list[Field]:
    return [f for f in fields(cls) if "variable" in f.metadata]


def _mode_from_environment(default: Mode) -> Mode:
    name = os.environ.get("EMOTUNE_MODE", "").strip()
    if name and name not in MODES:
        raise RecipeError(f"EMOTUNE_MODE must be one of {', '.join(MODES)}; found “{name[:40]}”.", code="setting_out_of_range")
    return MODES[name] if name else default


def _number_from_environment(f: Field, mode: Mode) -> float:
    """The number in the variable of a field, in the field's unit and type."""
    name, unit = f.metadata["variable"].name, f.metadata["unit"]
    default = f.metadata["public"] if mode is PUBLIC else f.default
    value = os.environ.get(name, "").strip()
    try:
        number = float(value) if value else default / unit
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise RecipeError(
            f"The environment variable {name} must be a number, at least 0; found “{value[:40]}”.", code="setting_out_of_range"
        )
    return type(f.default)(number * unit)


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "EMOTUNE_RUNS", "The folder of the runs and of opened files.", "`runs` in your data folder; on a Space in the bucket at `/data`"
    ),
    Variable(
        "EMOTUNE_MODE",
        " ".join(f"`{mode.name}`: {mode.meaning}" for mode in MODES.values()),
        "`local`; `public` on a Space and with `--public`",
    ),
    Variable("EMOTUNE_PASSWORD", "The password that every visitor must give first.", "none"),
    Variable("EMOTUNE_HOSTS", "Further host names of the page, separated by commas; `*.example.org` stands for all subdomains.", "none"),
    *(f.metadata["variable"] for f in _numbers(Settings)),
    Variable("GRADIO_SERVER_NAME", "The address of the page. One that others can reach needs a password, or `--public`.", "127.0.0.1"),
    Variable("GRADIO_SERVER_PORT", "The port of the page.", "the first free one from 7860"),
    Variable("GRADIO_ROOT_PATH", "The path under which a proxy serves the page.", "none"),
    Variable("GRADIO_TEMP_DIR", "The folder for the copies of uploaded files.", "`uploads` in the folder of the runs"),
    Variable("SPACE_ID", "Set on a Space of the Hugging Face Hub: the Hub may embed the page, and no browser is opened.", "no Space"),
    Variable("SPACE_HOST", "Set on a Space: its host names, in addition to those of `EMOTUNE_HOSTS`.", "none"),
    Variable(
        "SPACES_ZERO_GPU",
        "Set on a Space with ZeroGPU: trainings that fit into two minutes of its GPU borrow it, others use the CPU.",
        "none",
    ),
    Variable("CI", "With any value, no browser is opened at the start.", "not set"),
    Variable("DISPLAY", "Set on Linux if there is a screen; only then a browser is opened at the start.", "no screen"),
    Variable("WAYLAND_DISPLAY", "Like `DISPLAY`.", "no screen"),
    Variable("WORLD_SIZE", "Set by `torchrun` and `accelerate`: the number of processes that train one run together.", "1"),
    Variable("RANK", "Set by them: the number of this process; 0 reads the file and writes the run.", "0"),
    Variable("LOCAL_WORLD_SIZE", "Set by them: the number of processes on this machine.", "`WORLD_SIZE`"),
    Variable("NPM_CONFIG_REGISTRY", "The npm registry from which the scripts of a web page are fetched.", "https://registry.npmjs.org"),
    Variable(
        "PYTHONPATH", "Passed on to the processes of a training on several GPUs and of an export, behind the folder of Emotune.", "none"
    ),
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
            f"Emotune could not write to its folder{settings.where} ({error.strerror or error}). Free some disk space and try again; "
            "nothing that was there is lost.",
            code="disk_not_writable",
        ) from error
