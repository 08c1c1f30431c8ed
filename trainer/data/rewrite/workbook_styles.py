"""Adds to the styles of a workbook those of cells whose value was changed: as before, with a fill. Knows no cells."""

import re

_FILLS = re.compile(r'(<((?:\w+:)?)fills\b[^>]*?)(?:\s+count="(\d+)")?([^>]*>)(.*?)(</\2fills>)', re.DOTALL)
_FORMATS = re.compile(r"<((?:\w+:)?)cellXfs\b[^>]*>(.*?)</\1cellXfs>", re.DOTALL)
_FORMAT = re.compile(r"<((?:\w+:)?)xf\b([^>]*?)(?:/>|>(.*?)</\1xf>)", re.DOTALL)
_FILL = re.compile(r"<(?:\w+:)?fill\b")
_COLOUR = "FFFFE699"


class Styles:
    """The XML of ``xl/styles.xml``. ``text``: with the new styles; None as long as none is needed."""

    def __init__(self, xml: str) -> None:
        self._xml = xml
        self.text: str | None = None
        formats, fills = _FORMATS.search(xml), _FILLS.search(xml)
        self._formats = list(_FORMAT.finditer(formats[2])) if formats else []
        self._fill = len(_FILL.findall(fills[5])) if fills else None
        self._marked: dict[int, int] = {}

    def marked(self, style: int) -> int | None:
        """The number of the style that is like ``style`` with a fill; None if the workbook has no such list of styles."""
        if self._fill is None or style >= len(self._formats):
            return None
        if style not in self._marked:
            self._marked[style] = len(self._formats) + len(self._marked)
            self.text = self._with_marked()
        return self._marked[style]

    def _with_marked(self) -> str:
        new = "".join(self._filled(self._formats[style]) for style in self._marked)
        total = len(self._formats) + len(self._marked)

        def add_formats(match: re.Match[str]) -> str:
            opening = re.sub(r'\scount="\d+"', f' count="{total}"', match[0][: match[0].index(">") + 1])
            return f"{opening}{match[2]}{new}</{match[1]}cellXfs>"

        def add_fill(match: re.Match[str]) -> str:
            p = match[2]
            fill = f'<{p}fill><{p}patternFill patternType="solid"><{p}fgColor rgb="{_COLOUR}"/><{p}bgColor indexed="64"/></{p}patternFill></{p}fill>'
            return f'{match[1]} count="{(self._fill or 0) + 1}"{match[4]}{match[5]}{fill}{match[6]}'

        return _FILLS.sub(add_fill, _FORMATS.sub(add_formats, self._xml, count=1), count=1)

    def _filled(self, xf: re.Match[str]) -> str:
        attributes = re.sub(r'\s(?:fillId|applyFill)="[^"]*"', "", xf[2]).rstrip()
        opening = f'<{xf[1]}xf{attributes} fillId="{self._fill}" applyFill="1"'
        return f"{opening}/>" if xf[3] is None else f"{opening}>{xf[3]}</{xf[1]}xf>"
