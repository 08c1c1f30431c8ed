"""Reads the bytes of a file on this machine, up to the size limit. Looks into none of them: that is done in a process of its own."""

from pathlib import Path

from trainer.errors import FileError


def read_bytes(path: str | Path, *, max_bytes: int) -> bytes:
    """The bytes of a regular file. Raises UserError ``file_not_found``, ``not_a_file``, ``file_unreadable``, ``file_too_large``."""
    path = Path(path)
    try:
        if not path.exists():
            raise FileError(f"There is no file {path}. Check the name and the folder.", code="file_not_found")
        if not path.is_file():
            raise FileError(f"{path} is not a file. Give the path of one CSV file.", code="not_a_file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(
            f"The file {path} cannot be read ({reason}). Check its permissions, or copy it and try the copy.", code="file_unreadable"
        ) from error
    if len(data) > max_bytes:
        raise FileError(
            f"The file is larger than {max_bytes / 1024 / 1024:,.0f} MB, the maximum. "
            "Keep only the columns with the texts and the labels, or fewer rows.",
            code="file_too_large",
        )
    return data
