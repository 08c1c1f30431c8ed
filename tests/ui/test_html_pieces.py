"""A person's words become HTML in one place, and never as anything but words."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest

from trainer.ui import html_pieces

EVIL = "<img src=x onerror=alert(1)>"
QUOTED = "\"'><script>x()</script><a onmouseover='y' href=j:z()>&amp;"
OURS = {"div", "span", "strong", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td", "ol", "li", "p", "i", "bdi"}


class Read(HTMLParser):
    """The tags, the attributes and the words that a browser would find."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: dict[str, str] = {}
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name: value or "" for name, value in attrs}
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_only_text(html: str, text: str) -> None:
    """That ``words`` of a person stand in it as they are, and made no element of it."""
    parsed = Read(html)
    assert "img" not in parsed.tags
    assert text in parsed.text
    assert parsed.open == []


EVERYTHING: dict[str, Callable[[str], str]] = {
    "text": html_pieces.text,
    "notice": lambda w: html_pieces.notice(w, "error"),
    "empty_state": lambda w: html_pieces.empty_state(w, w),
    "facts": lambda w: html_pieces.facts([(w, w)]),
    "table": lambda w: html_pieces.table([w, w], [[w, w]], numbers=(1,), worst=0, caption=w),
    "isolated": html_pieces.isolated,
    "dot": lambda w: html_pieces.dot("#111111") + html_pieces.text(w),
    "class_bar": lambda w: html_pieces.class_bar(html_pieces.text(w), "#111111", 0.5, "12", title=w),
}


def test_every_function_is_tested() -> None:
    public = {
        n
        for n, f in vars(html_pieces).items()
        if callable(f) and getattr(f, "__module__", "") == html_pieces.__name__ and not n.startswith("_")
    }
    assert public == set(EVERYTHING)


@pytest.mark.parametrize("text", [EVIL, QUOTED])
@pytest.mark.parametrize("name", EVERYTHING)
def test_words_stay_words(name: str, text: str) -> None:
    parsed = Read(EVERYTHING[name](text))
    assert parsed.tags <= OURS
    assert not {a for a in parsed.attributes if a.startswith("on") or a in ("href", "src")}
    assert text in parsed.text
    assert parsed.open == []


def test_nothing_is_cut_but_what_nobody_reads() -> None:
    assert html_pieces.text("a" * 200) == "a" * 200
    assert html_pieces.text("a" * 201) == "a" * 199 + "…"
    # Cut before it is escaped: half an entity would be shown as rubbish.
    assert Read(html_pieces.text("<" * 300)).text == "<" * 199 + "…"


def test_no_message_no_notice() -> None:
    assert html_pieces.notice("") == ""


@pytest.mark.parametrize("severity", ["error", "warning", "ok", "info"])
def test_only_what_went_wrong_is_read_out_at_once(severity: str) -> None:
    parsed = Read(html_pieces.notice("Hello.", severity))
    assert parsed.attributes.get("role") == ("alert" if severity == "error" else None)
    assert parsed.text.endswith("Hello.")


def test_a_column_without_a_name_has_no_heading() -> None:
    html = html_pieces.table(("", "Rows"), [("joy", "12")], numbers=(1,), caption="Rows")
    assert "<thead><tr><td dir=auto></td><th class=em-number>Rows</th></tr></thead>" in html


def test_facts_without_a_value_are_left_out() -> None:
    assert Read(html_pieces.facts([("Rows", "12"), ("Classes", "")])).text == "Rows12"


@pytest.mark.parametrize("name", ["notice", "empty_state", "facts", "table", "isolated"])
def test_somebodys_words_run_in_their_own_direction(name: str) -> None:
    assert 'dir="auto"' in EVERYTHING[name]("مرحبا").replace("dir=auto", 'dir="auto"')
