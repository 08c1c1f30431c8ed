"""Which process of a training this is; two real ones train in test_main_resume.py."""

import pytest

from trainer.training.distributed import Ranks


def test_alone_without_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    alone = Ranks.from_environment()
    assert alone == Ranks(0, 1, 1)
    assert alone.main
    assert (alone.share("a run"), alone.agree(True), alone.agree(False)) == ("a run", True, False)


@pytest.mark.parametrize(
    ("environment", "ranks"),
    [
        ({"RANK": "1", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}, Ranks(1, 4, 2)),
        ({"RANK": "0", "WORLD_SIZE": "2"}, Ranks(0, 2, 2)),
        ({"RANK": "3", "WORLD_SIZE": "1"}, Ranks()),
        ({"RANK": "x", "WORLD_SIZE": "many"}, Ranks()),
    ],
)
def test_as_torchrun_tells_it(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], ranks: Ranks) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Ranks.from_environment() == ranks
    assert ranks.main is (ranks.rank == 0)
