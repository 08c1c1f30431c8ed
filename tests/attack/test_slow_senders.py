"""A sample of the attack."""

from tests.attack import slow_senders
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_slow_senders_are_disconnected_while_others_are_served(server: TargetServer) -> None:
    outcome = slow_senders.attack_server(AttackOptions(fraction=0.1), server)
    assert outcome.effects == []
    assert outcome.tries > 0
