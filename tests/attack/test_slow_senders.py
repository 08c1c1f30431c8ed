"""A sample of the attack."""

from tests.attack import slow_senders
from tests.attack.outcomes import Bounds
from tests.attack.served import Served


def test_slow_senders_are_put_out_while_others_are_served(served: Served) -> None:
    found = slow_senders.attacked(Bounds(share=0.1), served)
    assert found.effects == []
    assert found.tries > 0
