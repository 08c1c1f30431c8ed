"""Words that stand for a punctuation mark in a text, because a format or a tool could not hold the mark: "yes_comma_ it was -LRB- great -RRB-".

Pure, idempotent functions. checks/texts.py finds the texts that need them.
"""

import re

_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
"""Of the Penn Treebank, and so of SST, FEVER and what CoreNLP wrote."""
_NAMED = {"comma": ",", "period": ".", "semicolon": ";", "colon": ":", "quote": '"', "newline": "\n"}
"""Of EmpatheticDialogues ("_comma_") and of exports by hand ("<comma>")."""
_TOKENS = {"NEWLINE_TOKEN": "\n", "TAB_TOKEN": "\t"}
"""Of the comments of Wikipedia Talk."""
_STAND_IN = re.compile(rf"{'|'.join((*_BRACKETS, *_TOKENS))}|_(?P<bar>{'|'.join(_NAMED)})_|<(?P<angle>{'|'.join(_NAMED)})>", re.IGNORECASE)


def replace_stand_ins(text: str) -> str:
    """The text with the marks themselves."""
    return _STAND_IN.sub(_mark, text) if "_" in text or "<" in text or "-" in text else text


def _mark(match: re.Match[str]) -> str:
    name = match["bar"] or match["angle"]
    return _NAMED[name.lower()] if name else (_BRACKETS | _TOKENS)[match[0].upper()]
