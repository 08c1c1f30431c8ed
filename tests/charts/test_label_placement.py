"""The placement of labels in a chart of curves."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.charts.label_placement import Plot, largest_free, place_labels, pushed_apart
from trainer.charts.layout import PHONE, WIDE
from trainer.charts.lines import Line


@given(wanted=st.lists(st.floats(0, 200), max_size=5).map(sorted))
def test_labels_are_pushed_apart_in_order_and_within_the_chart(wanted):
    places = pushed_apart(wanted, 16, 0, 200)
    assert all(b - a >= 16 - 1e-6 for a, b in itertools.pairwise(places))
    assert all(-1e-6 <= place <= 200 + 1e-6 for place in places)
    if all(b - a >= 16 for a, b in itertools.pairwise(wanted)):
        assert places == pytest.approx(wanted)


spans = st.tuples(st.floats(-10, 210), st.floats(0, 60)).map(lambda span: (span[0], span[0] + span[1]))


@given(wanted=st.lists(st.floats(-5, 205), max_size=12), blocked=st.lists(spans, max_size=4))
def test_labels_keep_clear_of_what_is_there_and_of_each_other_and_in_order(wanted, blocked):
    places = place_labels(wanted, blocked, 200, 15)
    gap = min(15, 200 / max(len(wanted), 1))
    assert all(gap / 2 - 1e-6 <= place <= 200 - gap / 2 + 1e-6 for place in places)
    assert all(b - a >= gap - 1e-6 for a, b in itertools.pairwise(sorted(places)))
    ascending = sorted(range(len(wanted)), key=lambda i: wanted[i])
    assert [places[i] for i in ascending] == sorted(places)
    clear = all(low >= place + gap / 2 - 1e-6 or high <= place - gap / 2 + 1e-6 for place in places for low, high in blocked if high > low)
    rooms = sum(int((high - low) // gap) for low, high in free_of(blocked))
    assert clear or rooms < len(wanted)


def free_of(blocked):
    edges = sorted({0.0, 200.0, *(min(max(edge, 0), 200) for span in blocked for edge in span)})
    pieces = [(a, b) for a, b in itertools.pairwise(edges) if not any(low < b and high > a for low, high in blocked if high > low)]
    joined = []
    for a, b in pieces:
        if joined and joined[-1][1] == a and not any(low < a < high for low, high in blocked):
            joined[-1] = (joined[-1][0], b)
        else:
            joined.append((a, b))
    return joined


def test_the_first_label_stays_where_it_is_wanted_and_others_go_to_the_nearest_room():
    assert place_labels([100, 101, 20], [], 200, 16) == pytest.approx([92.5, 108.5, 20])
    assert place_labels([100], [(95, 105)], 200, 16) in ([113.0], [87.0])
    assert place_labels([100, 50], [(90, 200)], 200, 16) == [82.0, 50.0]
    # Between the two there is room for one: the other goes under them, and the order stays.
    assert place_labels([100, 99], [(80, 90), (108, 200)], 200, 16) == [100, 72.0]
    assert place_labels([], [], 200, 16) == []


def test_the_largest_room_is_found():
    assert largest_free([(10, 20), (150, 160)], 200) == (20, 150)
    assert largest_free([], 200) == (0.0, 200)
    assert largest_free([(-1, 201)], 200) == (0.0, 200)


@pytest.mark.parametrize("canvas", [WIDE, PHONE])
def test_a_line_takes_the_room_between_its_lowest_and_highest_place(canvas):
    plot = Plot(canvas, 100, 1.0)
    line = Line("a", "a", "#000000", (0, 50, 100), (0.0, 1.0, 0.5))
    height, width = canvas.plot_height, canvas.plot_width
    assert plot.line_spans(line, 0, width) == [(-4, height + 4)]
    assert plot.line_spans(line, 0.8 * width, width) == [pytest.approx((0.5 * height - 4, 0.7 * height + 4))]
    assert plot.line_spans(line, 0.1 * width, 0.2 * width) == [pytest.approx((0.2 * height - 4, 0.4 * height + 4))]
    short = Line("a", "a", "#000000", (10,), (0.5,))
    assert plot.line_spans(short, 0.5 * width, width) == []
    assert plot.line_spans(short, 0, width) == [pytest.approx((0.5 * height - 4, 0.5 * height + 4))]
