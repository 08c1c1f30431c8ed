"""A sample of the attack."""

from tests.attack import floods
from tests.attack.outcomes import AttackOptions
from tests.attack.target_server import TargetServer


def test_floods_end_in_refusals_with_a_message_while_the_page_answers(server: TargetServer) -> None:
    outcome = floods.attack_server(AttackOptions(fraction=0.05), server)
    assert outcome.effects == []
    assert outcome.tries > 0
