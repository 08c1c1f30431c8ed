"""Names of labels that a file writes as numbers, from the list that is published beside it (``labels.txt``, ``classes.txt``). Reads text, knows no table."""

from pathlib import Path

from trainer.data.files.decoding import decode
from trainer.data.files.file_bytes import read_bytes
from trainer.errors import FileError

_MAX_BYTES = 1_000_000


def read_numbered_names(path: Path) -> dict[str, str]:
    """The name of each number, counted from 0: a file with a name on each line. Raises UserError ``no_label_names`` and what ``read_bytes`` raises."""
    names = parse_numbered_names(decode(read_bytes(path, max_bytes=_MAX_BYTES)).text)
    if len(names) < 2:
        raise FileError(
            f"{path.name} holds no names of labels. Expected is a name on each line: that of label 0 on the first, that of label 1 on the second.",
            code="no_label_names",
        )
    return names


def parse_numbered_names(text: str) -> dict[str, str]:
    """The names in a text, one on each line, by their number from 0; lines without a name at the end are none."""
    return {str(number): name for number, line in enumerate(text.rstrip().split("\n")) if (name := line.strip())}
