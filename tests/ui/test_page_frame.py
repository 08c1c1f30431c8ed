"""Header, footer and model picker as HTML."""

import re
from pathlib import Path

from trainer.runs.view import RunView
from trainer.ui import assets, page_frame
from trainer.ui.buttons import Button

EVIL = "<img src=x onerror=alert(1)>"


def test_a_footer_escapes_what_it_says() -> None:
    html = page_frame.footer_html(EVIL, Button("do", EVIL, code=EVIL, busy_message=EVIL, elem_id="x"))
    assert "<img" not in html
    assert html.count("&lt;img") == 4


def test_an_error_in_the_footer_is_announced() -> None:
    assert "role=alert" in page_frame.footer_html("Epochs must be a number.", is_error=True)
    assert "role=alert" not in page_frame.footer_html("Ready.")


def test_the_model_in_hand_is_the_one_that_is_chosen_in_the_list() -> None:
    views = [RunView(id="a"), RunView(id="b")]
    html = page_frame.picker_html(views, {"a": EVIL, "b": "second"}, "b")
    assert '<option value="b" selected>second</option>' in html
    assert "<img" not in html
    assert page_frame.picker_html([], {}, "") == ""


def test_all_style_sheets_are_part_of_the_page_without_what_is_only_for_readers() -> None:
    sheets = {
        path.name: path.read_text(encoding="utf-8") for path in (Path(assets.__file__).parents[2] / "assets" / "styles").glob("*.css")
    }
    sheets.pop("unscoped.css")  # part of the page's head
    assert {"base.css", "page_frame.css", "data.css", "train.css", "results.css", "try.css", "runs.css"} <= set(sheets)
    page = assets.component_styles()
    for sheet in sheets.values():
        assert re.search(r"^([^\s/@][^,{]*) {$", sheet, re.MULTILINE).group(1) in page
        assert page.count("{") == page.count("}") > sheet.count("{")
    assert "/*" not in page
    assert re.sub(r"\s", "", page) == re.sub(
        r"\s", "", "".join(re.sub(r"/\*.*?\*/", "", sheets[name], flags=re.DOTALL) for name in sorted(sheets))
    )
