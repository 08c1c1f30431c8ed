"""Words that stand for a punctuation mark become the mark; other words stay."""

import pytest

from trainer.data.stand_ins import replace_stand_ins


@pytest.mark.parametrize(
    ("text", "replaced"),
    [
        ("well_comma_ it was -LRB- mostly -RRB- fine", "well, it was ( mostly ) fine"),
        ("yes<comma> no_COMMA_ so", "yes, no, so"),
        ("one -lsb- two -rsb- -LCB- x -RCB-", "one [ two ] { x }"),
        ("a snake_comma_case", "a snake,case"),
        ("a comma, and <b>bold</b> and a_b_c -LR- _comma", "a comma, and <b>bold</b> and a_b_c -LR- _comma"),
    ],
)
def test_marks(text: str, replaced: str) -> None:
    assert replace_stand_ins(text) == replaced
    assert replace_stand_ins(replaced) == replaced
