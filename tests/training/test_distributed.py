"""Which process of a training this is; two real ones train in cli/test_resume.py."""

import pytest

from trainer.training.distributed import ProcessGroup


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    alone = ProcessGroup.from_environment()
    assert alone == ProcessGroup(0, 1, 1)
    assert alone.is_main_process
    assert (alone.broadcast("a run"), alone.broadcast_flag(True), alone.broadcast_flag(False)) == ("a run", True, False)


@pytest.mark.parametrize(
    ("environment", "process_group"),
    [
        ({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}, ProcessGroup(1, 4, 2)),
        ({"RANK": "0", "WORLD_SIZE": "2"}, ProcessGroup(0, 2, 2)),
        ({"RANK": "3", "WORLD_SIZE": "1"}, ProcessGroup()),
        ({"RANK": "x", "WORLD_SIZE": "many"}, ProcessGroup()),
    ],
)
def test_as_torchrun_tells_it(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], process_group: ProcessGroup) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ProcessGroup.from_environment() == process_group
    assert process_group.is_main_process is (process_group.rank == 0)
