"""Removes from a text what comes from the web: HTML tags and character references, links, user names.

Pure, idempotent functions. checks/texts.py finds the texts that need them.
"""

import re
from collections.abc import Callable
from html import unescape
from html.entities import html5

# --- HTML ---------------------------------------------------------------------------------------------------------------

_TAG_NAMES = (
    "a|b|br|i|u|p|em|hr|li|ul|ol|dl|dt|dd|td|th|tr|tbody|thead|tfoot|table|div|img|span|font|strong|h[1-6]|"
    "small|big|sub|sup|del|ins|pre|code|center|strike|blockquote"
)
_FLAG_ATTRIBUTES = "allowfullscreen|checked|compact|controls|disabled|hidden|ismap|itemscope|noshade|nowrap|reversed|selected"
_ATTRIBUTE_VALUE = r"""(?:"[^"<]*+"|'[^'<]*+'|[^\s"'=<>`]++)"""
_TAG = re.compile(
    rf"<(?:/(?:{_TAG_NAMES})\s*+>|(?:{_TAG_NAMES})(?:\s++(?:[a-z][a-z0-9_:.-]*+\s*+=\s*+{_ATTRIBUTE_VALUE}|(?:{_FLAG_ATTRIBUTES})(?![^\s/>])))*+\s*+/?>)",
    re.IGNORECASE | re.ASCII,
)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLANKS = " \t\xa0"
_MAX_ROUNDS = 20


def strip_html(text: str) -> str:
    """The text with formatting tags replaced by a blank, and character references such as ``&amp;`` by their characters.

    A tag has one of the usual names and only attributes, ``name=value`` or a known one without a value: "a <b or c> d" and
    "<a.smith@x.org>" are no tags. Blanks change only next to a tag. References are the names of HTML 5 with their semicolon and numbers of
    printable characters; one that is escaped twice is decoded twice.

    Idempotent, and loses nothing that was escaped: if decoded references would form a tag ("Use &lt;br&gt; to break lines"), references
    of "<" and ">" are kept in the whole text; if that does not help, all are. A text with tags inside tags is no HTML and is not changed,
    nor is one of which nothing would be left.
    """
    stripped = _strip_tags(text) if "<" in text else text
    if _TAG.search(stripped):
        return text
    if "&" in stripped:
        stripped = _decode_references(stripped)
    return stripped if stripped.strip() else text


def _strip_tags(text: str) -> str:
    first, *others = _TAG.split(text)
    if not others:
        return text
    pieces = [first.rstrip(_BLANKS), *(piece.strip(_BLANKS) for piece in others[:-1]), others[-1].lstrip(_BLANKS)]
    joined: list[str] = []
    for piece in filter(None, pieces):
        if joined and not joined[-1].endswith("\n") and not piece.startswith("\n"):
            joined.append(" ")
        joined.append(piece)
    return "".join(joined)


def _decode_references(text: str) -> str:
    decoded = _decode(text, _decode_reference)
    if decoded is None:
        return text
    if not _TAG.search(decoded):
        return decoded
    with_brackets = _decode(text, _decode_except_brackets)
    return text if with_brackets is None or _TAG.search(with_brackets) else with_brackets


def _decode(text: str, replace: Callable[[re.Match[str]], str]) -> str | None:
    """The text with its references decoded until nothing changes; None if that takes suspiciously many rounds."""
    for _ in range(_MAX_ROUNDS):
        previous, text = text, _REFERENCE.sub(replace, text)
        if text == previous:
            return text
    return None


def _decode_reference(match: re.Match[str]) -> str:
    code = match[0]
    if code[1] != "#":
        character = html5.get(code[1:], code)
    else:
        character = unescape(code)
        if not character or character == "\ufffd" or not (character.isprintable() or character.isspace()):
            return code
    return " " if character == "\xa0" else character


def _decode_except_brackets(match: re.Match[str]) -> str:
    character = _decode_reference(match)
    return match[0] if character in ("<", ">") else character


# --- links and names ----------------------------------------------------------------------------------------------------

# The characters of RFC 3986 except brackets; a pair of parentheses around such characters belongs to the link.
_LINK_CHARACTER = r"[a-z0-9\-._~:/?#@!$&'*+,;=%]"
_LINK = re.compile(
    rf"(?:https?://|(?<!\w)ftp://|(?<![\w.@])www\.)(?=[a-z0-9])(?:{_LINK_CHARACTER}++|\({_LINK_CHARACTER}*+\))*+", re.IGNORECASE | re.ASCII
)
_SENTENCE_ENDS = ".,;:!?'*~"  # end a sentence, not the link before them
# Words after an "@" that are code, not user names: Java, Javadoc and the like, CSS, Python.
_CODE_WORDS = (
    "override|deprecated|suppresswarnings|functionalinterface|safevarargs|autowired|nullable|notnull|nonnull|"
    "test|before|after|beforeeach|aftereach|component|service|repository|controller|restcontroller|entity|bean|"
    "param|params|return|returns|throws|exception|see|since|author|version|link|code|type|typedef|inheritdoc|todo|"
    "media|import|keyframes|supports|charset|page|namespace|layer|container|font|include|mixin|extend|"
    "property|staticmethod|classmethod|dataclass|abstractmethod|pytest"
)
_USER_NAME = re.compile(
    r"(?<![\w@/])@(?=[0-9_]*[a-z])"
    rf"(?!(?:{_CODE_WORDS})(?!\w)|[0-9]+[a-z]{{1,2}}(?!\w))"  # nor "@5pm"
    r"[a-z0-9_]{2,30}(?![\w\u00c0-\u052f\u1e00-\u1fff]|(?:\.\w+)?\()",  # nor the beginning of "@josé", nor "@app.route("
    re.IGNORECASE | re.ASCII,
)
_WEIBO_NAME = re.compile(r"(?:(?<=//)|(?<=回复))@[^\s@:：/]{1,30}(?=[:：])")
_DOMAIN = re.compile(r"\.[a-z]", re.IGNORECASE | re.ASCII)


def mask_links(text: str) -> str:
    """The text with "http" for links and "@user" for user names, as in the training of the TweetEval models (Barbieri et al., 2020)."""
    return replace_links(text, "http", "@user")


def replace_links(text: str, link: str, user: str) -> str:
    """The text with ``link`` in place of each link and ``user`` in place of each user name.

    A link begins with http://, https://, ftp:// or "www." and is ASCII, so it ends where Chinese or Thai begins; punctuation
    at its end, and a parenthesis that it did not open, belong to the sentence. A blank is inserted between a word and a link without one.

    A user name is an "@" with 2 to 30 ASCII letters, digits and "_", at least one of them a letter, at the beginning of a word or after a
    letter that is not ASCII. Not user names are parts of e-mail addresses, calls ("@app.route("), common words of code ("@Override",
    "@media", "@param") and quantities ("@10", "@5pm"). Names in other scripts cannot be distinguished from text that follows without a
    blank and are kept, except in the Weibo forms that end with a colon: "//@name:" and "回复@name:".
    """
    if "://" in text or "www." in text.lower():
        text = _LINK.sub(lambda match: _replace_link(match, link), text)
    if "@" in text:
        text = _USER_NAME.sub(lambda match: match[0] if _is_email(match) else user, text)
        if ":" in text or "：" in text:
            text = _WEIBO_NAME.sub(user, text)
    return text


def _replace_link(match: re.Match[str], link: str) -> str:
    previous = match.string[match.start() - 1 : match.start()]
    needs_blank = previous.isascii() and previous.isalnum()
    return (" " if needs_blank else "") + link + match[0][len(match[0].rstrip(_SENTENCE_ENDS)) :]


def _is_email(match: re.Match[str]) -> bool:
    """Whether a domain follows, and the character before can end the local part of an address: "josé@x.org"."""
    previous = match.string[match.start() - 1 : match.start()]
    return (not previous.isascii() or previous in tuple(".+-%")) and _DOMAIN.match(match.string, match.end()) is not None
