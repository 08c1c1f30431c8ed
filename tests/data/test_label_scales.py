import pytest

from trainer.data.label_scales import find_scale, numeric_order, order_if_said


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("1 star", "2 stars", "3 stars", "4 stars", "5 stars"), (0, 1, 2, 3, 4)),
        (("★★", "★", "★★★"), (1, 0, 2)),
        (("10/10", "2/10", "5/10"), (1, 2, 0)),
        (("negative", "neutral", "positive"), (0, 1, 2)),
        (("Good", "bad", "OK", "Excellent"), (1, 2, 0, 3)),
        (("high", "low", "medium"), (1, 2, 0)),
        # Numbers and letters may stand for names, two steps are no scale, and two words for one step are two classes.
        (("0", "1", "2", "3"), None),
        (("A", "B", "C", "D"), None),
        (("low", "high"), None),
        (("ok", "okay", "good"), None),
        (("joy", "anger", "fear"), None),
        (("a", "b", "x"), None),
    ],
)
def test_scales_are_recognised_by_their_names(names: tuple[str, ...], order: tuple[int, ...] | None) -> None:
    assert find_scale(names) == order


def test_numbers_have_an_order_if_somebody_says_so() -> None:
    assert numeric_order(("10", "9", "-1")) == (2, 1, 0)
    assert numeric_order(("2.5", "1", "3,5")) == (1, 0, 2)
    assert numeric_order(("1", "1.0", "2")) is None
    assert numeric_order(("1 to 2", "3", "4")) is None
    assert numeric_order(("1", "2")) is None


def test_letters_are_grades_if_somebody_says_so() -> None:
    assert order_if_said(("A", "B", "C", "D")) == (3, 2, 1, 0)
    assert order_if_said(("10", "9", "-1")) == (2, 1, 0)
    assert order_if_said(("a", "b", "x")) is None
    assert order_if_said(("a", "b")) is None
