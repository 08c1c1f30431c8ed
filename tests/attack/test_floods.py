"""A sample of the attack."""

from tests.attack import floods
from tests.attack.outcomes import Bounds
from tests.attack.served import Served


def test_floods_end_in_refusals_in_words_while_the_page_answers(served: Served) -> None:
    found = floods.attacked(Bounds(share=0.05), served)
    assert found.effects == []
    assert found.tries > 0
