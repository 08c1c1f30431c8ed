"""HTML codes, links and user names: what counts as one, what is kept, and that doing it twice is doing it once."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cpu_time import cpu_time
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.html_and_links import mask_links, replace_links, strip_html

QUICK = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CODES = st.lists(
    st.one_of(
        st.sampled_from("&;<>/@:.#x()\"'=\\ \t\n,abBrR3_5é今ä\u0301＠："),
        st.sampled_from(
            ["&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#60;", "&#x3e;", "&#38;", "&#0;", "&#98;", "&notify;", "amp;", "lt;"]
        ),
        st.sampled_from(
            ["<br>", "<b", "<a ", "</", "br", "href=", 'x="', "hidden", "http", "://", "www.", "https://", "@user", "@an", "//@"]
        ),
        st.characters(),
    ),
    max_size=25,
).map("".join)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Tom &amp; Jerry &#39;s", "Tom & Jerry 's"),
        ("twice &amp;amp; escaped &amp;lt;3", "twice & escaped <3"),
        ("&amp;amp;", "&"),
        ("I &lt;3 you", "I <3 you"),
        ("a&nbsp;b &#x1F600; &Eacute;t&eacute;", "a b 😀 Été"),
        ("&quot;so&#8230;&quot;", '"so…"'),
        ("one<br />two<BR>three", "one two three"),
        ("<p class='x'>a <b>bold</b> move</p>", "a bold move"),
        ('see <a href="https://x.com/?a=b&amp;c" target=_blank>this</a>', "see this"),
        ('<img alt="a > b" src=x.png/> here', "here"),
        ("<td nowrap>one</td><td>two</td >", "one two"),
        ("two\nlines &gt; one", "two\nlines > one"),
        ("one<br>\n<br>\ntwo", "one\n\ntwo"),
        ("\tdef f(x):\n\t    return x &amp; 1   # <b>so</b>", "\tdef f(x):\n\t    return x & 1   # so"),
        ("<b>5 &lt; 6</b>", "5 < 6"),
    ],
)
def test_html(text, clean):
    assert strip_html(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "5 < 6 and 7 > 2",
        "AT&T; R&D",
        "x &notify; y",
        "a &Amp; b &amp c",
        "&#0; &#1; &#xD800; &#9999999;",
        "<br>",
        "<b> </b>",
        "&nbsp;",
        "no   change  here",
        "  nor\there ",
        "if a<b or c>d it fails",
        "I <i think> so",
        "write to <a.smith@x.org> now",
        "<user> said <url>, vector<int> and <s>",
        "<bread> and <a-b>",
        "</b or> not",
    ],
)
def test_what_is_no_html_stays(text):
    assert strip_html(text) == text


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Use &lt;br&gt; to break lines", "Use &lt;br&gt; to break lines"),
        ("&amp;lt;br&amp;gt; here", "&lt;br&gt; here"),
        ("<p>Use &lt;br&gt; &amp; rest</p>", "Use &lt;br&gt; & rest"),
        ("<b&#114;> &amp;", "<b&#114;> &amp;"),
        ("a <b <i>> c", "a <b <i>> c"),
    ],
)
def test_what_was_escaped_is_never_taken_for_a_tag(text, clean):
    assert strip_html(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("see https://a.b/c?d=e now", "see http now"),
        ("see (https://x.com/a). Great!", "see (http). Great!"),
        ("(https://en.wikipedia.org/wiki/A_(b)), or [x](http://x.org/a)", "(http), or [x](http)"),
        ('"https://x.com/a", <http://x.org>; http://x.org/a?', '"http", <http>; http?'),
        ("WWW.example.org rocks", "http rocks"),
        ("ftp://x.org/a sftp://x.org/a", "http sftp://x.org/a"),
        ("so happyhttps://t.co/abc", "so happy http"),
        ("看https://t.co/abc今天，www.x.cn。", "看http今天，http。"),
        ("https://t.co/a…", "http…"),
        ("http:// and www. and www...", "http:// and www. and www..."),
    ],
)
def test_links(text, clean):
    assert mask_links(text) == clean


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("@anna_b and @Bob: hi", "@user and @user: hi"),
        (".@anna, (@bob_2)! RT @x1:", ".@user, (@user)! RT @user:"),
        ("@USER @user http", "@user @user http"),
        ("今天@anna真好", "今天@user真好"),
        ("@50cent and @_x", "@user and @user"),
        ("//@小明:开心 回复@小红：好", "//@user:开心 回复@user：好"),
    ],
)
def test_names(text, clean):
    assert mask_links(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "@小明今天天气真好我们去公园",
        "@小明今天真开心 哈",
        "สวัสดี@สมชายวันนี้ดีมาก",
        "привет @маша, @josé, @jose\u0301 and @nguyễn",
        "meet @ 5, @10 each, @5pm or @2x",
        "mail me@home.org, a.b-@x.org, josé@web.de or 小明@qq.com",
        "medium.com/@anna",
        "@Override public void, @media print, @param x, @GetMapping(x), @app.route(x)",
        "@a",
        "@" + "a" * 31,
    ],
)
def test_what_is_no_name_stays(text):
    assert mask_links(text) == text


@QUICK
@given(text=CODES)
def test_twice_is_once(text):
    clean = strip_html(text)
    assert strip_html(clean) == clean
    assert bool(clean.strip()) == bool(text.strip())
    clean = mask_links(text)
    assert mask_links(clean) == clean


@pytest.mark.parametrize(
    "text",
    [
        "so (https://x.com/a_(b)). Good",
        "今天@anna真好https://t.co/abc哈",
        "@小明今天真开心 哈",
        "@Override me@home.org @10",
        ".@anna, @josé www.x.org",
    ],
)
def test_folds_know_the_same_links_and_names(text):
    assert normalize_text(text) == normalize_text(mask_links(text).replace("http", " ").replace("@user", " "))
    assert replace_links(text, "http", "@user") == mask_links(text)


@pytest.mark.parametrize("change", [strip_html, mask_links])
@pytest.mark.parametrize(
    "part",
    [
        *("<", "<a ", "<a x=", '<a x="', "<a x='y' ", "<b>", "<a <b>>", ">", "&", "&amp;", "amp;", "&#38;", "&lt;br&gt;", "&#3"),
        *("http://", "http://x(", "www.", "(", "https://x.", "@", "@a", "@a.", "//@", "回复@", "a", "1", "_", " ", "\n", "x:"),
    ],
)
def test_long_texts_take_no_time(change, part):
    with cpu_time() as spent:
        for text in (part * 20_000, "<a" + part * 20_000, "&" + part * 20_000, "http://x" + part * 20_000, "@" + part * 20_000):
            change(text)
    assert spent.seconds < 2


def test_many_marks_take_no_time():
    rng = random.Random(1)
    marks = ["<a ", "<b>", ">", "&", "amp;", "lt;", "br", "http://", "@an", "(", " ", '"', "x="]
    text = "".join(rng.choices(marks, k=100_000))
    with cpu_time() as spent:
        strip_html(text), mask_links(text)
    assert spent.seconds < 2
