"""Tokens per text, and the length at which they are cut."""

import numpy as np
import pytest

from tests.charts.examples import valid
from trainer.charts.lengths import token_lengths_chart

TOKENS = np.random.default_rng(0).integers(4, 90, 2_000)


@pytest.mark.parametrize("max_length", [8, 64, 128, 512])
@pytest.mark.parametrize("tokens", [TOKENS, np.array([5]), np.array([5, 5, 9_000]), TOKENS * 20], ids=["usual", "one", "outlier", "long"])
def test_every_text_is_in_a_bar_and_the_chart_is_plain_data(tokens: np.ndarray, max_length: int) -> None:
    chart = valid(token_lengths_chart(tokens, max_length))
    bars = chart["data"][0]
    assert sum(bars["y"]) == pytest.approx(100, abs=0.1)
    assert len(bars["x"]) == len(bars["y"]) == len(bars["hovertext"]) == len(bars["marker"]["opacity"]) <= 50


def test_the_cut_is_drawn_and_said() -> None:
    chart = token_lengths_chart(TOKENS, 32)
    assert chart["data"][1]["x"] == [32, 32]
    cut_text = f"{100 * (TOKENS > 32).mean():.1f} % are longer"
    assert cut_text in chart["layout"]["annotations"][0]["text"]
    assert cut_text in chart["layout"]["meta"]["description"]
    assert {1.0, 0.35} == set(chart["data"][0]["marker"]["opacity"])
    assert token_lengths_chart(TOKENS, 128)["layout"]["annotations"][0]["text"] == "cut at 128 tokens, all fit"
