from pathlib import Path

import pytest

from tests.audit.examples import planted
from trainer.audit.audit_file import load_audit, save_audit
from trainer.audit.quick_check import quick_check
from trainer.errors import RunError


def test_a_result_survives_its_file(tmp_path: Path):
    result = quick_check(planted(60, 4)[0])
    save_audit(tmp_path / "audit.parquet", result)
    assert load_audit(tmp_path / "audit.parquet") == result


def test_a_damaged_file_is_told(tmp_path: Path):
    path = tmp_path / "audit.parquet"
    for content in (b"", b"no parquet", None):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RunError) as caught:
            load_audit(path)
        assert caught.value.code == "audit_damaged"
