"""Which files of a run are intact. There are two seals: one for its inputs, one for its results and the log up to them.

Not sealed: stop, lock, alive, heartbeat, error.log, processes.log and the vectors of the training rows, which are made again if they are lost. With their own checksums or seals: each line of
the log, recipe.json (checksums.py) and each checkpoint.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trainer.atomic import sync, write_file
from trainer.runs.run_files import CARD, DECISIONS, DRAFT, INPUT_SEAL, LOG, MODEL, PREDICTIONS, RESULT_SEAL, ROWS, SOURCE, list_folder
from trainer.runs.seal import Digest, Seal, damaged_files, file_digest, files_in, read_seal, save_seal, write_seal

_MAX_CHECKS = 5
"""For files whose seal is just being replaced."""


def seal_input_files(folder: Path, run_id: str) -> None:
    """Seal the uploaded files, the draft's choices, the decisions on labels and the rows of a run that is being created under a temporary name. Raises OSError."""
    files = tuple(file for prefix in (SOURCE, DRAFT, DECISIONS, ROWS) for file in list_folder(folder, prefix))
    write_seal(folder / INPUT_SEAL, folder, files, run=run_id)


def seal_results_and_log(folder: Path, end: Mapping[str, Any]) -> None:
    """Seal model, card, predictions and the current log; ``end`` is the run's end, the next event in the log. Raises OSError."""
    # The sealed lines must be on the disk.
    sync(folder / LOG)
    facts = {"run": folder.name, "log": _log_facts(folder), "end": dict(end)}
    write_seal(folder / RESULT_SEAL, folder, (folder / PREDICTIONS, *files_in(folder / MODEL)), **facts)


def sealed_input_files(folder: Path) -> tuple[str, ...]:
    """The sealed input files of a run, by their path in its folder; none without an intact seal."""
    seal = _seal_of_run(folder, INPUT_SEAL)
    return () if seal is None else tuple(seal.files)


def sealed_input_digest(folder: Path, name: str) -> str | None:
    """The sealed SHA-256 of an input file; None if there is no such file or no intact seal."""
    seal = _seal_of_run(folder, INPUT_SEAL)
    return seal.files[name][1] if seal is not None and name in seal.files else None


def read_results_seal(folder: Path) -> Seal | None:
    """The seal of the results; None if it is missing, damaged or of another run."""
    return _seal_of_run(folder, RESULT_SEAL)


def replace_result_file(folder: Path, name: str, content: bytes) -> None:
    """Replace a file of the results, which must be intact or missing. Raises OSError.

    At every moment, even during a crash, the file matches the seal.
    """
    seal = read_results_seal(folder)
    if seal is None:
        write_file(folder / name, content)
        return
    old = ((folder / name).stat().st_size, file_digest(folder / name))
    files = {**seal.files, name: (len(content), hashlib.sha256(content).hexdigest())}
    save_seal(folder / RESULT_SEAL, replace(seal, files=files, replaced={name: old}))
    write_file(folder / name, content)
    save_seal(folder / RESULT_SEAL, replace(seal, files=files, replaced={}))


def seal_appended_events(folder: Path) -> None:
    """Include what was added to the log in the seal. Raises OSError.

    Does nothing if there are no results or the log was damaged before. Only for the holder of the writer lock.
    """
    seal = read_results_seal(folder)
    content = (folder / LOG).read_bytes() if seal is not None else b""
    sealed = None if seal is None else log_size_and_digest(seal)
    if sealed is None or not (len(content) >= sealed[0] and hashlib.sha256(content[: sealed[0]]).hexdigest() == sealed[1]):
        return
    save_seal(folder / RESULT_SEAL, replace(seal, facts={**seal.facts, "log": _log_facts(folder)}))


def log_size_and_digest(seal: Seal) -> tuple[int, str] | None:
    """Size and SHA-256 of the log when the results were sealed; None if the seal does not contain them."""
    try:
        size, digest = seal.facts["log"]
        return int(size), str(digest)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def damaged_run_files(folder: Path, *, has_model: bool, digest: Digest | None = file_digest) -> tuple[str, ...]:
    """Files and seals of a run that are missing or differ, and files that were added to its model.

    With ``digest`` None only sizes are compared.
    """
    damaged = _damaged_by(folder, INPUT_SEAL, lambda seal: damaged_files(folder, seal, digest=digest))
    if has_model:
        damaged += _damaged_by(folder, RESULT_SEAL, lambda seal: (*damaged_files(folder, seal, digest=digest), *_added(folder, seal)))
    return damaged


def damaged_files_of_parts(folder: Path, parts: Iterable[str], *, digest: Digest = file_digest) -> tuple[str, ...]:
    """The files of these parts (ROWS, PREDICTIONS, MODEL, CARD) that are missing, differ or were added, or their damaged seal."""
    damaged: list[str] = []
    for part in parts:
        damaged += _damaged_by(folder, INPUT_SEAL if part == ROWS else RESULT_SEAL, partial(_damaged_part, folder, part, digest))
    return tuple(dict.fromkeys(damaged))


def sealed_model_files(seal: Seal) -> tuple[str, ...]:
    """The sealed files of the model and its card, by their path in the run's folder."""
    return tuple(sorted(name for name in seal.files if name.startswith(f"{MODEL}/")))


def _damaged_by(folder: Path, name: str, check: Callable[[Seal], tuple[str, ...]]) -> tuple[str, ...]:
    """The damaged files that ``check`` returns for a seal, or the seal itself; checked again if the seal was replaced meanwhile."""
    seal, damaged = _seal_of_run(folder, name), (name,)
    for _ in range(_MAX_CHECKS):
        damaged = (name,) if seal is None else check(seal)
        if not damaged or (newer := _seal_of_run(folder, name)) == seal:
            break
        seal = newer
    return damaged


def _damaged_part(folder: Path, part: str, digest: Digest, seal: Seal) -> tuple[str, ...]:
    added = _added(folder, seal) if part == MODEL else ()
    return (*damaged_files(folder, seal, _files_of(part, seal), digest=digest), *added)


def _added(folder: Path, seal: Seal) -> tuple[str, ...]:
    """Files in the model folder that are not in the seal; an added tokenizer or adapter would change the predictions."""
    names = (file.relative_to(folder).as_posix() for file in files_in(folder / MODEL))
    return tuple(name for name in names if name not in seal.files and not _is_of_file_manager(name.rsplit("/", 1)[-1]))


def _is_of_file_manager(name: str) -> bool:
    """Whether a file manager creates files of this name (".DS_Store"); nothing reads them."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _seal_of_run(folder: Path, name: str) -> Seal | None:
    """A seal of the run after which the folder is named; None if it is missing, damaged or of another run."""
    seal = read_seal(folder / name)
    return seal if seal is not None and seal.facts.get("run") == folder.name else None


def _files_of(part: str, seal: Seal) -> list[str]:
    if part != MODEL:
        return [part]
    return [name for name in sealed_model_files(seal) if name != CARD] or [MODEL]


def _log_facts(folder: Path) -> tuple[int, str]:
    """Size and SHA-256 of the complete lines of the log."""
    content = (folder / LOG).read_bytes()
    content = content[: content.rfind(b"\n") + 1]
    return len(content), hashlib.sha256(content).hexdigest()
