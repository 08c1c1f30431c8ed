"""Some requests of many clients at once, without time limits."""

from tests.attack import load
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_many_clients_at_once_all_get_their_answers(server: TargetServer) -> None:
    outcome = load.attack_server(AttackOptions(fraction=0.005), server, timed=False)
    assert outcome.effects == []
    assert outcome.tries == 55
