"""CallRate: a moving window for each owner."""

from trainer.call_rate import CallRate


def test_calls_beyond_the_limit_wait_for_the_oldest_to_leave_the_window() -> None:
    now = [0.0]
    rate = CallRate(60.0, clock=lambda: now[0])
    assert [rate.admit("a", 2), rate.admit("a", 2)] == [0.0, 0.0]
    now[0] = 20.0
    assert rate.admit("a", 2) == 40.0
    assert rate.admit("b", 2) == 0.0
    now[0] = 60.0
    # Both of the first two have left.
    assert [rate.admit("a", 2), rate.admit("a", 2), rate.admit("a", 2)] == [0.0, 0.0, 60.0]


def test_a_refused_call_does_not_count_and_zero_is_no_limit() -> None:
    now = [0.0]
    rate = CallRate(10.0, clock=lambda: now[0])
    rate.admit("a", 1)
    assert [rate.admit("a", 1) for _ in range(5)] == [10.0] * 5
    assert [rate.admit("a", 0) for _ in range(5)] == [0.0] * 5
