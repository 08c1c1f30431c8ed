"""The confusion matrix: sentences, numbers and colours of its cells, its order, and the table behind it."""

import numpy as np

from tests.charts.examples import report_of, valid
from trainer.charts.confusion import confusion_chart
from trainer.evaluation.report import build_report


def test_confusion_says_in_a_sentence_what_a_cell_means():
    rows = [(0, 0)] * 569 + [(0, 1)] * 12 + [(1, 1)] * 100
    report = build_report(np.array([t for t, _ in rows]), np.array([p for _, p in rows]), ("sadness", "joy", "love"))
    figure = valid(confusion_chart(report, share_of=""))
    heat, numbers = figure["data"]
    assert heat["z"][0][0] > 0 > heat["z"][0][1]  # right answers have one colour, mistakes the other
    assert heat["hovertext"][0][1] == "true sadness, predicted joy: 12 of 581 (2.1 %)"
    assert heat["customdata"][0][1] == [0, 1]
    assert heat["z"][1][0] is None  # nobody said sadness for joy: an empty cell
    assert dict(zip(zip(numbers["y"], numbers["x"], strict=True), numbers["text"], strict=True)) == {
        ("sadness", "sadness"): "569",
        ("sadness", "joy"): "12",
        ("joy", "joy"): "100",
    }
    assert figure["layout"]["yaxis"]["range"] == [2.5, -0.5]  # the diagonal runs down
    by_row = valid(confusion_chart(report, share_of="true"))
    assert by_row["data"][1]["text"] == ["98 %", "2 %", "100 %"]
    assert by_row["data"][0]["z"][1][1] == 1


def test_a_cell_of_a_row_with_one_mistake_is_not_a_hundred_per_cent():
    labels = np.zeros(3200, int)
    predicted = np.where(np.arange(3200) == 7, 1, labels)
    report = build_report(labels, predicted, ("sadness", "joy"))
    heat, numbers = confusion_chart(report, share_of="true")["data"]
    assert numbers["text"] == ["&gt;99 %", "&lt;1 %"]
    assert "(99.97 %)" in heat["hovertext"][0][0]
    assert "(0.03 %)" in heat["hovertext"][0][1]


def test_a_confusion_matrix_fills_its_width_and_has_numbers_where_they_fit():
    def confusion(n):
        return valid(confusion_chart(report_of([f"intent number {i} of many more" for i in range(n)], 3000), share_of="true"))

    assert [len(confusion(n)["data"]) for n in (2, 15, 16, 77)] == [2, 2, 1, 1]
    assert "without" not in confusion(8)["layout"]["meta"]["phone"]
    assert confusion(9)["layout"]["meta"]["phone"]["without"] == [confusion(9)["data"][1]["name"]] == ["numbers"]
    layout = confusion(77)["layout"]
    assert not {"max_width", "min_width"} & layout["meta"].keys()
    assert 620 < layout["height"] < 1000  # it has the whole width of the page
    assert confusion(25)["layout"]["height"] < 620
    assert layout["meta"]["phone"]["height"] < 420
    # Categories: plotly leaves out names that do not fit, and writes them when the reader zooms in.
    assert layout["xaxis"]["type"] == layout["yaxis"]["type"] == "category"
    assert layout["yaxis"]["categoryarray"] == confusion(77)["data"][0]["y"]
    assert len(set(layout["yaxis"]["categoryarray"])) == 77
    assert "ticktext" not in layout["yaxis"]


def test_the_table_of_a_confusion_matrix_has_every_pair_and_of_very_many_classes_those_with_rows():
    table = confusion_chart(report_of(("a", "<b>", "c" * 99)), share_of="true")["layout"]["meta"]["table"]
    assert table["header"] == ["true", "predicted", "rows"]
    assert table["names"] == ["a", "<b>", "c" * 99]
    assert [row[:2] for row in table["rows"]] == [[i, j] for i in range(3) for j in range(3)]
    assert sum(row[2] for row in table["rows"]) == 1000
    many = confusion_chart(report_of([str(i) for i in range(200)], 500), share_of="true")["layout"]["meta"]["table"]
    assert 0 < len(many["rows"]) <= 500
    assert all(row[2] for row in many["rows"])


def test_the_share_of_the_predicted_class_sums_to_one_in_each_column():
    report = report_of(("a", "b", "c", "d"))
    numbers = confusion_chart(report, share_of="predicted")["data"][1]
    columns = dict.fromkeys(numbers["x"], 0)
    for name, text in zip(numbers["x"], numbers["text"], strict=True):
        columns[name] += float(text.strip(" %"))
    assert all(abs(total - 100) <= 2 for total in columns.values())
    heat = confusion_chart(report, share_of="predicted")["data"][0]
    predicted = report.confusion[:, 1].sum()
    assert f"{report.confusion[0, 1]} of {predicted} predicted as b (" in heat["hovertext"][0][1]


def test_mistakes_alone_have_tints_of_their_own():
    rows = [(0, 0)] * 1000 + [(0, 1)] * 4 + [(1, 0)] + [(1, 1)] * 9
    report = build_report(np.array([t for t, _ in rows]), np.array([p for _, p in rows]), ("a", "b"))
    heat, numbers = valid(confusion_chart(report, mistakes_only=True))["data"]
    assert heat["z"] == [[None, -1.0], [-0.5, None]]
    assert numbers["text"] == ["4", "1"]


def test_the_order_of_the_classes_moves_cells_with_their_names_and_ids():
    report = report_of(("a", "b", "c"))
    figure = valid(confusion_chart(report, order=(2, 0, 1)))
    heat = figure["data"][0]
    assert heat["y"] == heat["x"] == ["c", "a", "b"]
    assert figure["layout"]["xaxis"]["categoryarray"] == ["c", "a", "b"]
    for i, true in enumerate((2, 0, 1)):
        for j, predicted in enumerate((2, 0, 1)):
            count = report.confusion[true, predicted]
            assert heat["customdata"][i][j] == ([true, predicted] if count else None)
            assert not count or f": {count} of" in heat["hovertext"][i][j]
