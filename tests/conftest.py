"""Shared fixtures: a tiny random BERT, a small corpus, settings with an empty folder, and a studio that uses them."""

from trainer.settings import prepare_environment

prepare_environment()

import csv  # noqa: E402
import gc  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from dataclasses import dataclass  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING  # noqa: E402

import pytest  # noqa: E402
from hypothesis import HealthCheck  # noqa: E402
from hypothesis import settings as hypothesis_settings  # noqa: E402

import trainer.ui  # noqa: E402, F401  (before a test imports gradio: trainer/ui/stub_files.py)
from tests.child_processes import script  # noqa: E402
from tests.late_threads import make_threads_late  # noqa: E402
from tests.warm_interpreter import WarmInterpreter, start_warm_interpreter  # noqa: E402
from trainer.data.reader.file_reader import FileReader  # noqa: E402
from trainer.settings import Settings  # noqa: E402
from trainer.studio import Studio  # noqa: E402
from trainer.training.encoders import Encoder, local_encoder  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, BrowserType

# The same examples in every run, so that only the change under test can fail; ``make test-all`` looks for new ones. No deadline, as machines may be
# busy.
hypothesis_settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.register_profile("explore", derandomize=False, deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("steady")

if late_seconds := float(os.environ.get("LATE_THREADS_SECONDS", 0)):
    make_threads_late(late_seconds)

SLOW_STEPS_SECONDS = float(os.environ.get("SLOW_STEPS_SECONDS", 0))
"""How long Playwright waits before each of its steps, as a test does on a busy machine: what a page does by itself meanwhile has come then."""

SHARED = Path(__file__).resolve().parents[2] / "shared"

MOODS = {
    "joy": "happy glad sunny laugh smile dance bright cheer",
    "sadness": "cry lonely tears grey lost miss empty sorry",
    "anger": "shout furious slam unfair rage hate blame enough",
}
FILLERS = "the a we they today with my our of and then it was so very at home work again".split()

_MEMORY_DISK = Path("/dev/shm")
_ENOUGH_BYTES = 8 * 1000**3


def _available_memory_bytes() -> int:
    """Memory that could be used without swapping; Linux only."""
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    return 1024 * int(fields["MemAvailable"].split()[0])


# On a real disk each sync takes some milliseconds in which nothing is computed, and the tests ask for thousands. That the right files and folders are
# synced, in the right order, is tested on a model of a disk (power_cut_disk.py), which a real one would not show anyway.
if (
    "TMPDIR" not in os.environ
    and os.access(_MEMORY_DISK, os.W_OK)
    and min(shutil.disk_usage(_MEMORY_DISK).free, _available_memory_bytes()) > _ENOUGH_BYTES
):
    os.environ["TMPDIR"] = str(_MEMORY_DISK)
    tempfile.tempdir = None

CHROMIUM = [
    "--no-sandbox",
    "--disable-background-networking",
    "--host-resolver-rules=MAP evil.test 127.0.0.1",
    "--disable-features=LocalNetworkAccessChecks",
]
"""Chromium's options. evil.test stands for an external site that resolves to this computer (DNS rebinding); Chromium's new permission prompt for such
sites is off, as no other browser has it."""


@dataclass(frozen=True)
class Chromium:
    """Playwright's type of browser, the program, and the folder of a profile."""

    type: "BrowserType"
    program: Path
    profile: Path


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Chromium"]:
    """How to start Chromium; one per test process, as Playwright cannot be started twice."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    folder = tmp_path_factory.mktemp("browser")
    with sync_playwright() as playwright:
        yield Chromium(playwright.chromium, script(program, folder / "chromium"), folder / "profile")


@pytest.fixture(scope="session")
def browser(chromium: "Chromium") -> Iterator["Browser"]:
    """Chromium whose contexts share nothing."""
    launched = chromium.type.launch(executable_path=chromium.program, args=CHROMIUM, slow_mo=1000 * SLOW_STEPS_SECONDS)
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def shared_context(chromium: "Chromium") -> Iterator["BrowserContext"]:
    """One browser with a profile for most pages: there Chromium keeps what it has compiled of their scripts, a third of a page's load."""
    context = chromium.type.launch_persistent_context(
        chromium.profile, executable_path=chromium.program, args=CHROMIUM, slow_mo=1000 * SLOW_STEPS_SECONDS
    )
    yield context
    context.close()


@pytest.fixture(scope="module", autouse=True)
def _libraries_are_no_garbage() -> None:
    """Exclude imported libraries from garbage collection: each training ends with one, which otherwise takes half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def warm_interpreter() -> Iterator[WarmInterpreter]:
    """Starts programs of this project without the seconds that a fresh process needs to import everything."""
    with start_warm_interpreter() as started:
        yield started


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of data sets beside the checkout; tests that need it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the data sets in {SHARED}, which are not part of the project")
    return SHARED


def save_tiny_bert(folder: Path) -> None:
    """A BERT of two layers and 32 units with random weights, which learns the small corpus in seconds."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizer

    known_words = sorted({w for line in MOODS.values() for w in line.split()} | set(FILLERS))
    vocabulary = {t: i for i, t in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *known_words])}
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    BertTokenizer(vocab=vocabulary).save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoders") / "tiny-bert"
    save_tiny_bert(folder)
    return local_encoder(folder)


def small_rows(n_rows: int = 240, seed: int = 1) -> list[tuple[str, str]]:
    """Distinct texts that a tiny model can classify: a few filler words and two words of the label's mood."""
    source = random.Random(seed)
    rows: dict[str, str] = {}
    while len(rows) < n_rows:
        label = source.choice(list(MOODS))
        tokens = source.choices(FILLERS, k=source.randint(2, 9)) + source.sample(MOODS[label].split(), 2)
        source.shuffle(tokens)
        rows[" ".join(tokens)] = label
    return list(rows.items())


def write_rows(path: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "mood")) -> Path:
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "moods.csv", small_rows())


@pytest.fixture(scope="session")
def reader() -> Iterator[FileReader]:
    """Reads files in a child process; one for all tests, as starting it takes a third of a second."""
    with FileReader() as file_reader:
        yield file_reader


@pytest.fixture(autouse=True)
def forget_endings(reader: FileReader) -> None:
    """A file that ends the process that reads it is refused unread after three times: that must not depend on the tests before."""
    reader._endings.clear()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(runs_dir=tmp_path / "runs")


@pytest.fixture
def studio(settings: Settings, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Studio]:
    """A studio whose default and only encoder is the tiny one."""
    new_studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    yield new_studio
    new_studio.close()
