"""Texts that try to inject something: markup, scripts, formulas and terminal escapes; from corpora beside the checkout and a few of our own."""

import json
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import SHARED

HAND_WRITTEN = (
    "<img src=x onerror=window.__pwned=1>",
    "<script>window.__pwned=1</script>",
    "<svg/onload=alert(1)>",
    "</title></style></textarea></script><img src=x onerror=alert(1)>",
    '"><iframe src=javascript:alert(1)>',
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) x="',
    "<a href=javascript:alert(1)>press</a>",
    '<a href="http://evil.test/">press</a>',
    "[press](javascript:alert(1))",
    "![look](http://evil.test/x.png)",
    "<http://evil.test/>",
    "http://evil.test/ www.evil.test",
    "${alert(1)} {{constructor.constructor('alert(1)')()}} {{{a}}} <%= 7*7 %>",
    "$\\href{javascript:alert(1)}{press}$",
    "<link rel=stylesheet href=http://evil.test/x.css><base href=http://evil.test/>",
    "<style>@import 'http://evil.test/x.css'</style>",
    '<b>x</b><sub>y</sub><span style="font-size:99px">z</span><br>w',
    "# heading | cell | `code` **bold** ~~gone~~\n---\n",
    "&lt;img src=x onerror=alert(1)&gt; &amp;#60;",
    "\u202egnp.exe \u2066isolated\u2069",
    '=HYPERLINK("http://evil.test/","press")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "\x1b[31mred\x1b]0;title\x07",
)
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://evil.test/","x")')


def payloads() -> list[str]:
    """All distinct payloads, our own first, then those of the corpora if present."""
    return list(dict.fromkeys((*HAND_WRITTEN, *_corpora())))


def formulas() -> list[str]:
    """Payloads that a spreadsheet would execute as formulas."""
    file = SHARED / "corpora" / "csv-injection" / "Intruder__csv-payload.txt"
    return list(dict.fromkeys((*FORMULAS, *(_lines(file) if file.is_file() else ()))))


def _corpora() -> Iterator[str]:
    for file in sorted((SHARED / "corpora" / "xss").glob("*.txt")):
        yield from _lines(file)
    naughty = SHARED / "corpora" / "blns" / "blns.json"
    if naughty.is_file():
        yield from (text for text in json.loads(naughty.read_text(encoding="utf-8")) if text.strip())
    yield from formulas()


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
