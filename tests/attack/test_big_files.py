"""A small sample of small files beside a bigger one; ``make attack`` takes a big one."""

from tests.attack.big_files import attack_server
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_small_files_are_inspected_beside_a_bigger_one(server: TargetServer) -> None:
    outcome = attack_server(AttackOptions(fraction=0.01), server, timed=False)
    assert outcome.effects == []
    assert outcome.tries >= 5
