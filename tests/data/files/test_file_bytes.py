"""The bytes of a file are read up to the limit, or refused in a sentence."""

from pathlib import Path

import pytest

from trainer.data.files.file_bytes import read_bytes
from trainer.errors import UserError


def test_a_file_that_cannot_be_read_is_refused_kindly(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(b"text,label\n" * 100)
    for path, code in [
        (tmp_path / "none.csv", "file_not_found"),
        (tmp_path, "not_a_file"),
        (tmp_path / "big.csv", "file_too_large"),
        ("nul\x00byte.csv", None),
    ]:
        with pytest.raises(UserError) as refusal:
            read_bytes(path, max_bytes=1_000)
        assert code in (None, refusal.value.code)
