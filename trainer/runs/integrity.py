"""Which files of a run are whole. Two seals: one of what it was begun with, one of its results and of the log up to then.

Not sealed, since nothing in them could be wrong: stop, lock, heartbeat and error.log. Sealed by themselves: each line of the log, recipe.json
(see checksums.py) and each checkpoint.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from trainer.runs.damage import CARD, INPUT_SEAL, LOG, MODEL, PREDICTIONS, RESULT_SEAL, ROWS
from trainer.runs.seal import Digest, Seal, damaged_files, file_digest, files_in, read_seal, save_seal, write_seal


def seal_inputs(folder: Path, run_id: str) -> None:
    """Seal the uploaded files and the rows of a run that is being made; its folder has another name until then. Raises OSError."""
    write_seal(folder / INPUT_SEAL, folder, (*sorted(folder.glob("source*")), *folder.glob(ROWS)), run=run_id)


def seal_results(folder: Path) -> None:
    """Seal model, card and predictions, and the log as it stands; the next line in the log is the run's end. Raises OSError."""
    write_seal(folder / RESULT_SEAL, folder, (folder / PREDICTIONS, *files_in(folder / MODEL)), run=folder.name, log=_log_facts(folder))


def open_results(folder: Path) -> None:
    """Take the seal away, before other results replace those that it stands for. Raises OSError."""
    (folder / RESULT_SEAL).unlink(missing_ok=True)


def results_seal(folder: Path) -> Seal | None:
    """The seal of the results; None where there is none, or a damaged one, or one of another run."""
    return _own_seal(folder, RESULT_SEAL)


def reseal(folder: Path, *names: str) -> None:
    """Seal anew what lawfully changed since: these files, and what was added to the log. Raises OSError.

    Nothing is done where there are no results, or the log was damaged before. Only for who writes the run: see ``writing``.
    """
    seal = results_seal(folder)
    content = (folder / LOG).read_bytes() if seal is not None else b""
    if seal is None or not _begins_as_sealed(seal, content):
        return
    changed = {name: ((folder / name).stat().st_size, file_digest(folder / name)) for name in names}
    save_seal(folder / RESULT_SEAL, replace(seal, files={**seal.files, **changed}, facts={**seal.facts, "log": _log_facts(folder)}))


def sealed_log(seal: Seal, content: bytes) -> bytes | None:
    """What stood in the log when the results were sealed; None where the log no longer begins with it."""
    return content[: seal.facts["log"][0]] if _begins_as_sealed(seal, content) else None


def damaged(folder: Path, *, has_model: bool, digest: Digest | None = file_digest) -> tuple[str, ...]:
    """The sealed files of a run that are missing or differ, and the seals that do; with ``digest`` None only sizes are looked at."""
    found: list[str] = []
    for name in (INPUT_SEAL, RESULT_SEAL) if has_model else (INPUT_SEAL,):
        seal = _own_seal(folder, name)
        found += [name] if seal is None else damaged_files(folder, seal, digest=digest)
    return tuple(found)


def damaged_parts(folder: Path, parts: Iterable[str]) -> tuple[str, ...]:
    """The files of these parts (ROWS, PREDICTIONS, MODEL, CARD) that are missing or differ, or the seal without which nobody can tell."""
    found: list[str] = []
    for part in parts:
        name = INPUT_SEAL if part == ROWS else RESULT_SEAL
        seal = _own_seal(folder, name)
        if seal is None:
            found.append(name)
        else:
            found += damaged_files(folder, seal, _files_of(part, seal))
    return tuple(dict.fromkeys(found))


def _own_seal(folder: Path, name: str) -> Seal | None:
    """A seal of this run, which its folder is named after; None where it is missing, damaged or of another run."""
    seal = read_seal(folder / name)
    return seal if seal is not None and seal.facts.get("run") == folder.name else None


def _files_of(part: str, seal: Seal) -> list[str]:
    if part != MODEL:
        return [part]
    return [name for name in seal.files if name.startswith(f"{MODEL}/") and name != CARD] or [MODEL]


def _log_facts(folder: Path) -> tuple[int, str]:
    """Size and SHA-256 of the whole lines of the log."""
    content = (folder / LOG).read_bytes()
    content = content[: content.rfind(b"\n") + 1]
    return len(content), hashlib.sha256(content).hexdigest()


def _begins_as_sealed(seal: Seal, content: bytes) -> bool:
    try:
        size, digest = seal.facts["log"]
        return len(content) >= size and hashlib.sha256(content[:size]).hexdigest() == digest
    except (KeyError, TypeError, ValueError):
        return False
