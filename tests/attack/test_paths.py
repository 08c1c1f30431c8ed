"""A sample of the attack."""

from tests.attack import paths
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_paths_and_ids_that_are_not_the_caller_s_lead_nowhere(server: TargetServer) -> None:
    outcome = paths.attack_server(AttackOptions(fraction=0.05), server)
    assert outcome.effects == []
    assert outcome.tries > 0
