"""Open hostile model folders in every way: each must be refused quickly with a message, without running or downloading anything.

As an encoder to be trained (terminal: ``--encoder FOLDER``), as a classifier (terminal: ``predict FOLDER``), as the model of a run in the runs
folder with a forged seal (page, through Studio), and as the Hub's cached copy of a named encoder.
"""

import contextlib
import io
import os
import resource
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import psutil

from tests.attack.hostile_folders import corruptions, make_hostile_folder
from tests.attack.outcomes import AttackOptions, Outcome
from tests.browser.example_runs import make_run
from tests.conftest import save_tiny_bert
from tests.cpu_time import cpu_time
from trainer.errors import UserError
from trainer.runs import integrity
from trainer.runs.run_files import MODEL, PREDICTIONS, RESULT_SEAL
from trainer.runs.seal import file_digest, files_in, save_seal
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import local_encoder
from trainer.training.tokens import token_counter, unknown_finder

_MAX_CPU_SECONDS = 2.0
_MAX_BYTES = 500_000_000
_HUB_NAME = "somebody/evil-bert"

Opener = Callable[[Path], object]
"""Opens a folder; a UserError is a refusal."""


def attack(options: AttackOptions) -> Outcome:
    outcome, max_cpu_seconds = Outcome(), 0.0
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        valid = _valid_folder(work / "valid")
        openers = _openers(work)
        for open_folder in openers.values():
            open_folder(valid)  # proves that a valid folder is accepted, and imports everything
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of what this process did before
        all_corruptions, idle = corruptions(), psutil.Process().memory_info().rss
        every = max(1, round(len(all_corruptions) / options.scaled(len(all_corruptions))))
        for number, (name, corrupt) in enumerate(list(all_corruptions.items())[options.seed % every :: every]):
            for opener, open_folder in openers.items():
                folder = make_hostile_folder(valid, work / f"{number}-{opener.split()[0]}", corrupt, work / "marker")
                cpu_seconds = _try(outcome, f"{name}, {opener}", open_folder, folder, work / "marker")
                max_cpu_seconds = max(max_cpu_seconds, cpu_seconds)
                shutil.rmtree(folder)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle
    if peak > _MAX_BYTES:
        outcome.effects.append(f"memory: at its peak {peak / 1e6:,.0f} MB above the idle process")
    outcome.figures |= {
        "corruptions": len(all_corruptions),
        "max CPU seconds": round(max_cpu_seconds, 2),
        "peak MB above idle": peak // 1_000_000,
    }
    return outcome


def _valid_folder(folder: Path) -> Path:
    """A tiny classifier, saved by transformers."""
    save_tiny_bert(folder / "encoder")
    encoder = local_encoder(folder / "encoder")
    load_classifier(encoder, ("joy", "anger", "fear")).save_pretrained(folder / "model")
    load_tokenizer(encoder, max_length=20).save_pretrained(folder / "model")
    return folder / "model"


def _openers(work: Path) -> dict[str, Opener]:
    studio = Studio(Settings(runs_dir=work / "runs"))
    view = make_run(work / "runs", [[3, 1], [1, 3]], ("joy", "anger"))
    run = work / "runs" / view.id

    def as_encoder(folder: Path) -> None:
        encoder = local_encoder(folder)
        load_tokenizer(encoder, max_length=20)
        load_classifier(encoder, ("joy", "anger"))

    def in_terminal(folder: Path) -> None:
        from trainer.__main__ import main

        with contextlib.redirect_stderr(io.StringIO()) as stderr, contextlib.redirect_stdout(io.StringIO()):
            status = main(["predict", str(folder), "happy today"])
        if status:
            raise UserError(stderr.getvalue().strip(), code=str(status))

    def as_run(folder: Path) -> None:
        shutil.rmtree(run / "model")
        shutil.copytree(folder, run / "model", symlinks=True, copy_function=_copy)
        _forge_seal(run)
        studio.for_owner(LOCAL_OWNER).models.predict(view.id, ["happy today"])

    def from_hub(folder: Path) -> None:
        with (
            mock.patch("huggingface_hub.snapshot_download", return_value=str(folder)),
            mock.patch("trainer.training.encoder_loading.hub_is_reachable", return_value=False),
        ):
            encoder = EncoderCatalogue().get(_HUB_NAME)
            for tokenize in (token_counter(encoder), unknown_finder(encoder)):
                if tokenize is not None:
                    tokenize(["happy today"])
            load_tokenizer(encoder, max_length=20)
            load_classifier(encoder, ("joy", "anger"))

    return {"encoder": as_encoder, "terminal": in_terminal, "run on the page": as_run, "hub": from_hub}


def _copy(source: str, target: str) -> None:
    """Recreates pipes and sparse files, which cannot be copied."""
    file = Path(source)
    if not file.is_file():
        os.mkfifo(target)
    elif file.stat().st_size > 100_000_000:
        Path(target).touch()
        os.truncate(target, file.stat().st_size)
    else:
        shutil.copyfile(source, target)


def _forge_seal(run: Path) -> None:
    """Write a seal that matches the current files: the digests are not secret."""
    files = (run / PREDICTIONS, *files_in(run / MODEL))
    sealed = {file.relative_to(run).as_posix(): (file.stat().st_size, _digest(file)) for file in files}
    seal = integrity.read_results_seal(run)
    save_seal(run / RESULT_SEAL, replace(seal, files=sealed))


def _digest(file: Path) -> str:
    """Not computed for 20 GB of zeros."""
    return file_digest(file) if file.stat().st_size < 100_000_000 else "0" * 64


def _try(outcome: Outcome, case: str, open_folder: Opener, folder: Path, marker: Path) -> float:
    """One attempt; returns its CPU seconds."""
    outcome.tries += 1
    with _no_network() as addresses, cpu_time() as spent:
        try:
            open_folder(folder)
            outcome.effects.append(f"{case}: was opened")
        except UserError as error:
            if "Traceback" in error.message or len(error.message) > 600 or not error.message.isprintable():
                outcome.effects.append(f"{case}: not a readable message: {error.message[:200]!r}")
        except Exception as error:
            outcome.effects.append(f"{case}: {type(error).__name__}: {str(error)[:200]}")
    if marker.exists():
        outcome.effects.append(f"{case}: its code ran: {marker.read_text()}")
        marker.unlink()
    outcome.effects += [f"{case}: network access to {address}" for address in addresses]
    if spent.seconds > _MAX_CPU_SECONDS:
        outcome.effects.append(f"{case}: took {spent.seconds:.1f} CPU seconds")
    return spent.seconds


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Refuse all name look-ups and connections; yields the list of their addresses."""
    addresses: list[str] = []

    def refuse(*address: object, **_: object) -> None:
        addresses.append(str(address[:2]))
        raise OSError("the network is blocked")

    with mock.patch.object(socket, "getaddrinfo", refuse), mock.patch.object(socket.socket, "connect", refuse):
        yield addresses
