"""A sample of the malformed calls."""

from tests.attack import endpoints
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_malformed_calls_are_refused_with_a_message_and_change_nothing(server: TargetServer) -> None:
    outcome = endpoints.attack_server(AttackOptions(fraction=0.12), server)
    assert outcome.effects == []
    assert outcome.tries == 60
