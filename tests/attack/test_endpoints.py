"""A sample of the odd calls."""

from tests.attack import endpoints
from tests.attack.outcomes import Bounds
from tests.attack.served import Served


def test_odd_calls_are_refused_in_words_and_change_nothing(served: Served) -> None:
    found = endpoints.attacked(Bounds(share=0.12), served)
    assert found.effects == []
    assert found.tries == 60
