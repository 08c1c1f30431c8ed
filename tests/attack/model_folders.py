"""Open model folders that somebody else made, in every way there is: each must be refused in words, soon, with nothing run and nothing fetched.

Ways: as an encoder to be trained (terminal: ``--encoder FOLDER``), as a model to be asked (terminal: ``predict FOLDER``), as the model of a run
that was put into the runs folder under a forged seal (page, over a Studio), and as what the Hub's cache holds of an encoder that was named.
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

from tests.attack.hostile_folders import kinds, spoiled
from tests.attack.outcomes import Bounds, Outcome
from tests.browser.made_runs import make_run
from tests.conftest import save_tiny_bert
from tests.effort import effort
from trainer.errors import UserError
from trainer.runs import integrity
from trainer.runs.damage import MODEL, PREDICTIONS, RESULT_SEAL
from trainer.runs.seal import file_digest, files_in, save_seal
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import local_encoder
from trainer.training.tokens import token_counter, unknown_finder

_MOST_SECONDS = 2.0
_MOST_BYTES = 500_000_000
_NAMED = "somebody/evil-bert"

Door = Callable[[Path], object]
"""Opens a folder; a UserError is a refusal."""


def attack(bounds: Bounds) -> Outcome:
    outcome, slowest = Outcome(), 0.0
    with tempfile.TemporaryDirectory() as made:
        work = Path(made)
        lawful = _lawful(work / "lawful")
        doors = _doors(work)
        for door in doors.values():
            door(lawful)  # what every one of them refuses proves nothing; and imports are nobody's effort
        harms, idle = kinds(), psutil.Process().memory_info().rss
        every = max(1, round(len(harms) / bounds.of(len(harms))))
        for number, (kind, harm) in enumerate(list(harms.items())[bounds.seed % every :: every]):
            for way, door in doors.items():
                folder = spoiled(lawful, work / f"{number}-{way.split()[0]}", harm, work / "told")
                slowest = max(slowest, _try(outcome, f"{kind}, {way}", door, folder, work / "told"))
                shutil.rmtree(folder)
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - idle
    if peak > _MOST_BYTES:
        outcome.effects.append(f"memory: at its highest {peak / 1e6:,.0f} MB above the idle process")
    outcome.figures |= {"kinds": len(harms), "most CPU seconds": round(slowest, 2), "peak MB above idle": peak // 1_000_000}
    return outcome


def _lawful(folder: Path) -> Path:
    """A tiny classifier as transformers saves one."""
    save_tiny_bert(folder / "encoder")
    encoder = local_encoder(folder / "encoder")
    load_classifier(encoder, ("joy", "anger", "fear")).save_pretrained(folder / "model")
    load_tokenizer(encoder, max_length=20).save_pretrained(folder / "model")
    return folder / "model"


def _doors(work: Path) -> dict[str, Door]:
    studio = Studio(Settings(runs_dir=work / "runs"))
    view = make_run(work / "runs", [[3, 1], [1, 3]], ("joy", "anger"))
    run = work / "runs" / view.id

    def as_encoder(folder: Path) -> None:
        encoder = local_encoder(folder)
        load_tokenizer(encoder, max_length=20)
        load_classifier(encoder, ("joy", "anger"))

    def in_the_terminal(folder: Path) -> None:
        from trainer.__main__ import main

        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
            status = main(["predict", str(folder), "happy today"])
        if status:
            raise UserError(said.getvalue().strip(), code=str(status))

    def of_a_run(folder: Path) -> None:
        shutil.rmtree(run / "model")
        shutil.copytree(folder, run / "model", symlinks=True, copy_function=_copy)
        _forge_seal(run)
        studio.predict(LOCAL_OWNER, view.id, ["happy today"])

    def of_the_hub(folder: Path) -> None:
        with (
            mock.patch("huggingface_hub.snapshot_download", return_value=str(folder)),
            mock.patch("trainer.training.encoder_loading.hub_is_reachable", return_value=False),
        ):
            encoder = EncoderCatalogue().get(_NAMED)
            for count in (token_counter(encoder), unknown_finder(encoder)):
                if count is not None:
                    count(["happy today"])
            load_tokenizer(encoder, max_length=20)
            load_classifier(encoder, ("joy", "anger"))

    return {"encoder": as_encoder, "terminal": in_the_terminal, "run on the page": of_a_run, "hub": of_the_hub}


def _copy(source: str, target: str) -> None:
    """Neither pipes nor 20 GB of zeros can be copied."""
    file = Path(source)
    if not file.is_file():
        os.mkfifo(target)
    elif file.stat().st_size > 100_000_000:
        Path(target).touch()
        os.truncate(target, file.stat().st_size)
    else:
        shutil.copyfile(source, target)


def _forge_seal(run: Path) -> None:
    """A seal that fits whatever lies there: its digests are no secret."""
    files = (run / PREDICTIONS, *files_in(run / MODEL))
    sealed = {file.relative_to(run).as_posix(): (file.stat().st_size, _digest(file)) for file in files}
    seal = integrity.results_seal(run)
    save_seal(run / RESULT_SEAL, replace(seal, files=sealed))


def _digest(file: Path) -> str:
    """Of 20 GB of zeros nobody needs to know it."""
    return file_digest(file) if file.stat().st_size < 100_000_000 else "0" * 64


def _try(outcome: Outcome, what: str, door: Door, folder: Path, told: Path) -> float:
    """One attempt; returns the CPU seconds that it took."""
    outcome.tries += 1
    with _no_network() as asked, effort() as spent:
        try:
            door(folder)
            outcome.effects.append(f"{what}: was opened")
        except UserError as error:
            if "Traceback" in error.message or len(error.message) > 600 or not error.message.isprintable():
                outcome.effects.append(f"{what}: no sentence for people: {error.message[:200]!r}")
        except Exception as error:
            outcome.effects.append(f"{what}: {type(error).__name__}: {str(error)[:200]}")
    if told.exists():
        outcome.effects.append(f"{what}: a program ran: {told.read_text()}")
        told.unlink()
    outcome.effects += [f"{what}: asked the network for {address}" for address in asked]
    if spent.seconds > _MOST_SECONDS:
        outcome.effects.append(f"{what}: took {spent.seconds:.1f} CPU seconds")
    return spent.seconds


@contextmanager
def _no_network() -> Iterator[list[str]]:
    """Whoever asks for an address or connects to one is noted, and gets none."""
    asked: list[str] = []

    def refuse(*address: object, **_: object) -> None:
        asked.append(str(address[:2]))
        raise OSError("there is no network here")

    with mock.patch.object(socket, "getaddrinfo", refuse), mock.patch.object(socket.socket, "connect", refuse):
        yield asked
