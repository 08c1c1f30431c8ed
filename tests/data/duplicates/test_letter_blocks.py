"""Texts as arrays of letters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.duplicates.letter_blocks import hash_digits, letter_blocks


@settings(deadline=None)
@given(texts=st.lists(st.text(st.characters(), max_size=30), max_size=30))
def test_blocks_hold_every_text_once(texts):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainer.data.duplicates.letter_blocks._BLOCK_LETTERS", 40)
        blocks = list(letter_blocks(texts))
    again = [
        block.codes[start : start + length].tobytes().decode("utf-32-le", "surrogatepass")
        for block in blocks
        for start, length in zip(block.starts.tolist(), block.lengths.tolist(), strict=True)
    ]
    assert again == texts
    assert [block.first for block in blocks] == [0, *(block.stop for block in blocks)][: len(blocks)]
    for block in blocks:
        assert block.owners().shape == block.codes.shape


def test_texts_have_the_same_number_where_their_digits_are_the_same():
    numbers = hash_digits(["no digit", "room 12", "1 of 2", "room 21", "room ٣", "room 3", "none either"])
    assert numbers.dtype == np.uint32
    assert numbers[0] == numbers[6] == 0
    assert numbers[1] == numbers[2]
    assert len(set(numbers.tolist())) == 5
