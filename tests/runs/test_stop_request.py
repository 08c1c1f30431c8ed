from pathlib import Path

import pytest

from trainer.jobs.job_folder import JobFolder
from trainer.runs.run import Run
from trainer.runs.stop_request import StoppableFolder


@pytest.mark.parametrize("kind", [Run, JobFolder])
def test_a_stop_request_is_known_to_whoever_opens_the_folder_until_it_is_cleared(tmp_path: Path, kind: type[StoppableFolder]) -> None:
    assert not kind(tmp_path).is_stop_requested()
    assert kind(tmp_path).stop_reason() == ""
    kind(tmp_path).request_stop("The server ends.")
    assert kind(tmp_path).is_stop_requested()
    assert kind(tmp_path).stop_reason() == "The server ends."
    kind(tmp_path).clear_stop()
    kind(tmp_path).clear_stop()
    assert not kind(tmp_path).is_stop_requested()


def test_a_reason_that_cannot_be_read_is_no_reason(tmp_path: Path) -> None:
    (tmp_path / "stop").write_bytes(b"\xff\xfe\xff")
    assert StoppableFolder(tmp_path).is_stop_requested()
    assert StoppableFolder(tmp_path).stop_reason() == ""
