"""Which files of a run are whole. Two seals: one of what it was begun with, one of its results and of the log up to then.

Not sealed, since nothing in them could be wrong: stop, lock, alive, heartbeat, error.log and processes.log. Sealed by themselves: each line of the log, recipe.json
(see checksums.py) and each checkpoint.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from trainer.atomic import sync, write_file
from trainer.runs.run_files import CARD, DRAFT, INPUT_SEAL, LOG, MODEL, PREDICTIONS, RESULT_SEAL, ROWS, SOURCE
from trainer.runs.seal import Digest, Seal, damaged_files, file_digest, files_in, read_seal, save_seal, write_seal

_LOOKS = 5
"""At files whose seal is being replaced."""


def seal_inputs(folder: Path, run_id: str) -> None:
    """Seal the uploaded files, what was chosen for them, and the rows of a run that is being made; its folder has another name until then. Raises OSError."""
    files = (*sorted(folder.glob(f"{SOURCE}*")), *folder.glob(DRAFT), *folder.glob(ROWS))
    write_seal(folder / INPUT_SEAL, folder, files, run=run_id)


def seal_results(folder: Path, end: Mapping[str, Any]) -> None:
    """Seal model, card and predictions, and the log as it stands; ``end`` is the next event in it, the run's end. Raises OSError."""
    # The seal must not know lines that a power cut can take back.
    sync(folder / LOG)
    facts = {"run": folder.name, "log": _log_facts(folder), "end": dict(end)}
    write_seal(folder / RESULT_SEAL, folder, (folder / PREDICTIONS, *files_in(folder / MODEL)), **facts)


def input_files(folder: Path) -> tuple[str, ...]:
    """The sealed files that a run was begun with, by their path in its folder; none where there is no whole seal."""
    seal = _own_seal(folder, INPUT_SEAL)
    return () if seal is None else tuple(seal.files)


def input_digest(folder: Path, name: str) -> str | None:
    """The SHA-256 of a file that the run was begun with, as it was sealed; None where there is none, or no whole seal."""
    seal = _own_seal(folder, INPUT_SEAL)
    return seal.files[name][1] if seal is not None and name in seal.files else None


def results_seal(folder: Path) -> Seal | None:
    """The seal of the results; None where there is none, or a damaged one, or one of another run."""
    return _own_seal(folder, RESULT_SEAL)


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Put a file of the results in the place of the old one, which is whole, if there is one. Raises OSError.

    At every moment, be it that of a crash, the file is one that the seal knows.
    """
    seal = results_seal(folder)
    if seal is None:
        write_file(folder / name, content)
        return
    old = ((folder / name).stat().st_size, file_digest(folder / name))
    files = {**seal.files, name: (len(content), hashlib.sha256(content).hexdigest())}
    save_seal(folder / RESULT_SEAL, replace(seal, files=files, replaced={name: old}))
    write_file(folder / name, content)
    save_seal(folder / RESULT_SEAL, replace(seal, files=files, replaced={}))


def reseal_log(folder: Path) -> None:
    """Seal anew what was added to the log. Raises OSError.

    Nothing is done where there are no results, or the log was damaged before. Only for who writes the run: see ``writer_lock``.
    """
    seal = results_seal(folder)
    content = (folder / LOG).read_bytes() if seal is not None else b""
    sealed = None if seal is None else sealed_log(seal)
    if sealed is None or not (len(content) >= sealed[0] and hashlib.sha256(content[: sealed[0]]).hexdigest() == sealed[1]):
        return
    save_seal(folder / RESULT_SEAL, replace(seal, facts={**seal.facts, "log": _log_facts(folder)}))


def sealed_log(seal: Seal) -> tuple[int, str] | None:
    """Size and SHA-256 of what stood in the log when the results were sealed; None where the seal does not tell."""
    try:
        size, digest = seal.facts["log"]
        return int(size), str(digest)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def damaged(folder: Path, *, has_model: bool, digest: Digest | None = file_digest) -> tuple[str, ...]:
    """The sealed files of a run that are missing or differ, the seals that do, and files that were added to its model.

    With ``digest`` None only sizes are looked at.
    """
    damaged = _damaged_by(folder, INPUT_SEAL, lambda seal: damaged_files(folder, seal, digest=digest))
    if has_model:
        damaged += _damaged_by(folder, RESULT_SEAL, lambda seal: (*damaged_files(folder, seal, digest=digest), *_added(folder, seal)))
    return damaged


def damaged_parts(folder: Path, parts: Iterable[str], *, digest: Digest = file_digest) -> tuple[str, ...]:
    """The files of these parts (ROWS, PREDICTIONS, MODEL, CARD) that are missing, differ or were added, or the seal that would tell."""
    damaged: list[str] = []
    for part in parts:
        damaged += _damaged_by(folder, INPUT_SEAL if part == ROWS else RESULT_SEAL, partial(_damaged_part, folder, part, digest))
    return tuple(dict.fromkeys(damaged))


def model_files(seal: Seal) -> tuple[str, ...]:
    """The sealed files of the model and its card, by their path in the run's folder."""
    return tuple(sorted(name for name in seal.files if name.startswith(f"{MODEL}/")))


def _damaged_by(folder: Path, name: str, look: Callable[[Seal], tuple[str, ...]]) -> tuple[str, ...]:
    """What ``look`` finds damaged beside a seal, or the seal itself; it looks again where the seal was replaced meanwhile."""
    seal, damaged = _own_seal(folder, name), (name,)
    for _ in range(_LOOKS):
        damaged = (name,) if seal is None else look(seal)
        if not damaged or (later := _own_seal(folder, name)) == seal:
            break
        seal = later
    return damaged


def _damaged_part(folder: Path, part: str, digest: Digest, seal: Seal) -> tuple[str, ...]:
    added = _added(folder, seal) if part == MODEL else ()
    return (*damaged_files(folder, seal, _files_of(part, seal), digest=digest), *added)


def _added(folder: Path, seal: Seal) -> tuple[str, ...]:
    """Files in the folder of the model that were not there when it was sealed; a tokenizer or an adapter would change its answers."""
    names = (file.relative_to(folder).as_posix() for file in files_in(folder / MODEL))
    return tuple(name for name in names if name not in seal.files and not _is_the_systems(name.rsplit("/", 1)[-1]))


def _is_the_systems(name: str) -> bool:
    """Whether a file manager leaves files of this name wherever somebody looks (".DS_Store"); nothing reads them."""
    return name.startswith(".") or name.lower() in ("thumbs.db", "desktop.ini")


def _own_seal(folder: Path, name: str) -> Seal | None:
    """A seal of this run, which its folder is named after; None where it is missing, damaged or of another run."""
    seal = read_seal(folder / name)
    return seal if seal is not None and seal.facts.get("run") == folder.name else None


def _files_of(part: str, seal: Seal) -> list[str]:
    if part != MODEL:
        return [part]
    return [name for name in model_files(seal) if name != CARD] or [MODEL]


def _log_facts(folder: Path) -> tuple[int, str]:
    """Size and SHA-256 of the whole lines of the log."""
    content = (folder / LOG).read_bytes()
    content = content[: content.rfind(b"\n") + 1]
    return len(content), hashlib.sha256(content).hexdigest()
