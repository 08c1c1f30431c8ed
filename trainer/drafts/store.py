"""Drafts on the disk: files being prepared, with the choices of columns, class names and repairs, so that they survive a reload."""

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from trainer.atomic import REMOVED_PREFIX, link_file, make_folder, move, remove_file, remove_folder, sync_tree, write_file
from trainer.data.columns.label_form import AS_IT_LOOKS, LabelReading, TaskChoice
from trainer.data.task import SINGLE_LABEL, Task
from trainer.errors import NotFoundError, UserError
from trainer.runs.checksums import read_json_with_checksum, write_json_with_checksum
from trainer.runs.ids import is_id, random_id
from trainer.runs.run_files import DECISIONS, DRAFT, SOURCE, list_folder

GivenRole = Literal["test", "validation"]
Role = Literal["main", "test", "validation"]


@dataclass(frozen=True)
class SourceFile:
    """One file as uploaded, and the part and the columns that the user chose; what was not chosen is guessed."""

    name: str
    """As the user knows it; never a path."""
    file: str
    """Its name in the folder."""
    text_columns: tuple[str | int, ...] = ()
    """The text column and those joined to it."""
    label_column: str | int | tuple[str | int, ...] | None = None
    """What the user typed (a column's name, or its position from 0), or a position as a number; several hold the labels of a text together."""
    part: str | None = None
    """The sheet of a workbook, the file of a zip or the list of a JSON file that is read."""


@dataclass(frozen=True)
class Draft:
    """The file to learn from and, if given, files for the validation and the test split, with all choices."""

    id: str
    owner: str
    main: SourceFile
    validation: SourceFile | None = None
    test: SourceFile | None = None
    class_names: Mapping[str, str] = field(default_factory=dict)
    """Names by label as written: {"0": "sadness"}."""
    repairs: tuple[str, ...] = ()
    """The codes of the repairs that are done before a training, in any order."""
    dismissed: tuple[str, ...] = ()
    """Codes of findings that the user leaves unrepaired, though they should be fixed."""
    task: TaskChoice = ""
    """Whether a text has one label or several; "": as the file looks."""
    cut: float | None = None
    """The score from which on a text has a label, in columns of scores; None: as the file looks."""
    form: Mapping[str, Any] = field(default_factory=dict)
    """The last values of the training form (split, encoder, settings); the page chooses the names."""

    @property
    def sources(self) -> tuple[SourceFile, ...]:
        """Its files, the one to learn from first."""
        return tuple(source for source in (self.main, self.test, self.validation) if source is not None)

    @property
    def version(self) -> str:
        """Changes with every choice that affects the rows."""
        choices = {name: value for name, value in asdict(self).items() if name != "form"}
        return hashlib.sha256(json.dumps(choices, sort_keys=True).encode("utf-8", "replace")).hexdigest()[:32]


class DraftStore:
    """The drafts of one runs folder, each a folder with the files byte for byte."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def create(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, bytes]],
        *,
        text_columns: tuple[str, ...] = (),
        label_column: str | tuple[str, ...] | None = None,
        part: str | None = None,
        repair_codes: tuple[str, ...] = (),
        reading: LabelReading = AS_IT_LOOKS,
        class_names: Mapping[str, str] | None = None,
    ) -> Draft:
        """A new draft with these files. ``sources`` maps "main", "validation", "test" to (name, content); ``part`` is that of the main file."""
        with self._new_folder() as (draft_id, folder):
            files: dict[str, SourceFile] = {}
            for role, (name, content) in sources.items():
                file = SOURCE if role == "main" else f"{SOURCE}-{role}"
                (folder / file).write_bytes(content)
                files[role] = SourceFile(_shown_name(name), file, text_columns, label_column, part if role == "main" else None)
            draft = Draft(
                draft_id,
                owner,
                files["main"],
                files.get("validation"),
                files.get("test"),
                class_names=dict(class_names or {}),
                repairs=repair_codes,
                task=reading.task,
                cut=reading.cut,
            )
            write_json_with_checksum(folder / DRAFT, asdict(draft))
        return draft

    def create_from_run(self, run: Path, owner: str) -> Draft:
        """A new draft with the files and the choices that ``copy_to_run`` wrote into a run's folder. Raises what ``load_from_run`` raises."""
        original = self.load_from_run(run)
        with self._new_folder() as (draft_id, folder):
            draft = replace(original, id=draft_id, owner=owner)
            for source in draft.sources:
                link_file(run / source.file, folder / source.file)
            for log in list_folder(run, DECISIONS):
                # A copy, no link: further decisions are appended to it.
                (folder / log.name).write_bytes(log.read_bytes())
            write_json_with_checksum(folder / DRAFT, asdict(draft))
        return draft

    def load_from_run(self, run: Path) -> Draft:
        """The draft that a run was started from, as it was then. Raises OSError if it is missing, ValueError if it is damaged."""
        try:
            return _from_dict(read_json_with_checksum(run / DRAFT))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError("the choices of this run cannot be read") from error

    def store_file(self, draft: Draft, role: GivenRole, name: str, content: bytes) -> SourceFile:
        """Store a file in a draft's folder; it becomes part of the draft when a draft with it is saved. Raises OSError."""
        # Never overwrites a file: it may be being read, and a run may share it.
        file = f"{SOURCE}-{role}-{secrets.token_hex(4)}"
        write_file(self.root / draft.id / file, content)
        return SourceFile(_shown_name(name), file)

    def delete_file(self, draft: Draft, source: SourceFile) -> None:
        """Remove a file that is no longer part of a draft. Raises OSError."""
        remove_file(self.path(draft, source))

    def save(self, draft: Draft) -> None:
        """Save a changed draft."""
        write_json_with_checksum(self.root / draft.id / DRAFT, asdict(draft))

    def remove(self, draft: Draft) -> None:
        """Remove a draft; runs have their own copy. Raises OSError."""
        with suppress(FileNotFoundError):
            remove_folder(self.root / draft.id)

    def clean_up(self, created_before: float) -> None:
        """At a server's start: remove what a crash left of drafts being removed and, if older (Unix time), of drafts being created."""
        for folder in self.root.glob("*"):
            if folder.name.startswith(REMOVED_PREFIX):
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name.startswith(".new-"):
                with suppress(OSError):
                    if folder.stat().st_mtime < created_before:
                        shutil.rmtree(folder, ignore_errors=True)
            elif is_id(folder.name):
                _remove_unused_files(folder, created_before)

    def get(self, draft_id: object, owner: str) -> Draft:
        """The owner's draft with this id; UserError ``unknown_draft`` for unknown ids and those of other owners alike."""
        if is_id(draft_id):
            try:
                draft = _from_dict(read_json_with_checksum(self.root / str(draft_id) / DRAFT))
            except (OSError, ValueError, TypeError, KeyError, AttributeError):
                draft = None
            if draft is not None and draft.owner == owner:
                return draft
        raise NotFoundError("This file is no longer here. Open it again.", code="unknown_draft")

    def path(self, draft: Draft, source: SourceFile) -> Path:
        """Where a file of a draft is."""
        return self.root / draft.id / source.file

    def decisions_path(self, draft: Draft, label_column: int, task: Task) -> Path:
        """The log of decisions on one column of labels: what was decided while texts had one label waits until they have one again."""
        several = "" if task is SINGLE_LABEL else f"-{task.key}"
        return self.root / draft.id / f"{DECISIONS}-{label_column}{several}.jsonl"

    def decisions_size(self, draft_id: str) -> int:
        """Bytes in all logs of decisions of a draft; 0 if it is gone."""
        with suppress(OSError):
            return sum(log.stat().st_size for log in list_folder(self.root / draft_id, DECISIONS))
        return 0

    def touch(self, draft: Draft) -> None:
        """Count a draft as changed now. Raises OSError if it has been removed."""
        os.utime(self.root / draft.id / DRAFT)

    def copy_to_run(self, draft: Draft, folder: Path, *, decisions: Path | None = None) -> None:
        """Copy the files, the choices and one log of decisions into a run's folder, from which ``create_from_run`` can make a draft again."""
        if decisions is not None:
            with suppress(FileNotFoundError):
                (folder / decisions.name).write_bytes(decisions.read_bytes())
        for source in draft.sources:
            link_file(self.path(draft, source), folder / source.file)
        write_json_with_checksum(folder / DRAFT, asdict(draft))

    def prune(self, owner: str, *, keep: int, spare_decided: bool = True) -> None:
        """Remove all but the newest ``keep`` drafts of the owner; with ``spare_decided`` none with decisions on labels, which are hours of work."""

        def is_spared(folder: Path) -> bool:
            try:
                return spare_decided and bool(list_folder(folder, DECISIONS))
            except OSError:
                return True

        drafts = [file for file in _newest_first(self.root) if _owner(file) == owner and not is_spared(file.parent)]
        for file in drafts[keep:]:
            with suppress(OSError):
                remove_folder(file.parent)

    def owners(self) -> set[str]:
        """All owners of drafts."""
        return {_owner(file) for file in _newest_first(self.root)} - {""}

    def iter_drafts(self, owner: str) -> Iterator[Draft]:
        """The owner's readable drafts, the newest first."""
        for file in _newest_first(self.root):
            with suppress(UserError):
                yield self.get(file.parent.name, owner)

    @contextmanager
    def _new_folder(self) -> Iterator[tuple[str, Path]]:
        """The id and folder of a new draft; the folder moves to its place when the block ends, or is removed if it fails."""
        draft_id = random_id()
        folder = self.root / f".new-{draft_id}"
        make_folder(folder)
        try:
            yield draft_id, folder
            sync_tree(folder)
            move(folder, self.root / draft_id)
        except BaseException:
            for left in (folder, self.root / draft_id):
                shutil.rmtree(left, ignore_errors=True)
            raise


def _shown_name(name: str) -> str:
    """The last part of a file's name, without control characters, for display."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(c for c in last if c.isprintable())[:120] or "file"


def _from_dict(values: dict) -> Draft:
    files = {role: _source(values[role]) if values.get(role) else None for role in ("main", "validation", "test")}
    lists = {name: tuple(values[name]) for name in ("repairs", "dismissed")}
    return Draft(**{**values, **files, **lists})


def _source(values: dict) -> SourceFile:
    label = values["label_column"]
    lists = {"text_columns": tuple(values["text_columns"]), "label_column": tuple(label) if isinstance(label, list) else label}
    return SourceFile(**{**values, **lists})


def _remove_unused_files(folder: Path, created_before: float) -> None:
    """Remove the files that were being added to a draft when a crash happened; keep all of a draft that cannot be read."""
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
        used = {source.file for source in _from_dict(read_json_with_checksum(folder / DRAFT)).sources}
        for file in list_folder(folder, SOURCE):
            if file.name not in used and file.stat().st_mtime < created_before:
                file.unlink()


def _newest_first(root: Path) -> list[Path]:
    """The drafts' files by time, without those that another process removes meanwhile."""
    times = []
    for file in root.glob(f"*/{DRAFT}"):
        # Others are being created or removed.
        if is_id(file.parent.name):
            with suppress(OSError):
                times.append((file.stat().st_mtime, file))
    return [file for _, file in sorted(times, reverse=True)]


def _owner(file: Path) -> str:
    try:
        return str(read_json_with_checksum(file)["owner"])
    except (OSError, ValueError, TypeError, KeyError):
        return ""
