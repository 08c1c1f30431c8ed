from trainer.charts.costs import MACRO_F1, RunCost, size_chart, speed_chart
from trainer.evaluation.intervals import proportion_interval

RUNS = (
    RunCost("a", "small <b>one</b>", proportion_interval(80, 100), 4.0, 23.0),
    RunCost("b", "large", proportion_interval(90, 100), 31.5, 440.0),
    RunCost("c", "of before", proportion_interval(70, 100), None, None),
)


def test_each_run_with_a_known_cost_is_a_point_with_its_interval() -> None:
    for chart, costs in ((speed_chart(RUNS), [4.0, 31.5]), (size_chart(RUNS), [23.0, 440.0])):
        assert [trace["x"][0] for trace in chart["data"]] == costs
        assert [trace["y"][0] for trace in chart["data"]] == [0.8, 0.9]
        first = chart["data"][0]
        assert first["y"][0] + first["error_y"]["array"][0] == RUNS[0].score.high
        assert "<b>" not in first["name"]
        assert len({trace["textposition"] for trace in chart["data"]}) == 2
        assert chart["layout"]["xaxis"]["range"][0] == 0
        assert "90.0 %" in chart["layout"]["meta"]["description"]
        assert chart["layout"]["meta"]["table"]["names"] == ["small <b>one</b>", "large"]


def test_the_score_of_several_labels_a_text_has_its_own_name() -> None:
    chart = size_chart(RUNS, MACRO_F1)
    assert chart["layout"]["meta"]["title"] == "Macro F1 and size"
    assert "macro F1 80.0 %, 23 MB" in chart["data"][0]["hovertemplate"]
    assert "80.0 % right, 23 MB" in size_chart(RUNS)["data"][0]["hovertemplate"]


def test_without_any_cost_the_chart_is_empty_and_says_so() -> None:
    chart = speed_chart(RUNS[2:])
    assert chart["data"] == []
    assert "nothing was measured" in chart["layout"]["meta"]["description"]
