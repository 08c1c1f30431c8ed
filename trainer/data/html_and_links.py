"""What texts from the web carry beside their words: HTML tags and character references, links, user names.

Pure functions of a text, each of which done twice changes nothing more. Whether a file needs them is said in text_checks.py.
"""

import re
from collections.abc import Callable
from html import unescape
from html.entities import html5

# --- HTML ---------------------------------------------------------------------------------------------------------------

_NAMES = (
    "a|b|br|i|u|p|em|hr|li|ul|ol|dl|dt|dd|td|th|tr|tbody|thead|tfoot|table|div|img|span|font|strong|h[1-6]|"
    "small|big|sub|sup|del|ins|pre|code|center|strike|blockquote"
)
_FLAGS = "allowfullscreen|checked|compact|controls|disabled|hidden|ismap|itemscope|noshade|nowrap|reversed|selected"
_VALUE = r"""(?:"[^"<]*+"|'[^'<]*+'|[^\s"'=<>`]++)"""
_TAG = re.compile(
    rf"<(?:/(?:{_NAMES})\s*+>|(?:{_NAMES})(?:\s++(?:[a-z][a-z0-9_:.-]*+\s*+=\s*+{_VALUE}|(?:{_FLAGS})(?![^\s/>])))*+\s*+/?>)",
    re.IGNORECASE | re.ASCII,
)
_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_BLANKS = " \t\xa0"
_ROUNDS = 20


def strip_html(text: str) -> str:
    """Tags of formatting as a blank, and character references such as ``&amp;`` as the characters they stand for.

    A tag is one of the usual names with nothing but attributes, ``name=value`` or a known one without value: "a <b or c> d" and
    "<a.smith@x.org>" are none. Blanks change only beside a tag. References are the names of HTML 5 with their semicolon and numbers of
    printable characters; one escaped twice is read twice.

    Doing it twice is doing it once, and nothing is lost that was escaped. So where references, read, would make a tag ("Use &lt;br&gt;
    to break lines"), those of "<" and ">" stay as they are in the whole text; where that does not help, all of them do. A text in which
    tags stand within tags is no HTML and stays as it is, and so does one of which nothing would be left.
    """
    found = _without_tags(text) if "<" in text else text
    if _TAG.search(found):
        return text
    if "&" in found:
        found = _without_references(found)
    return found if found.strip() else text


def _without_tags(text: str) -> str:
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


def _without_references(text: str) -> str:
    read = _read(text, _character)
    if read is None:
        return text
    if not _TAG.search(read):
        return read
    careful = _read(text, _character_but_brackets)
    return text if careful is None or _TAG.search(careful) else careful


def _read(text: str, character: Callable[[re.Match[str]], str]) -> str | None:
    """The text with its references read until nothing changes; None where that takes too long to be meant."""
    for _ in range(_ROUNDS):
        before, text = text, _REFERENCE.sub(character, text)
        if text == before:
            return text
    return None


def _character(found: re.Match[str]) -> str:
    code = found[0]
    if code[1] != "#":
        character = html5.get(code[1:], code)
    else:
        character = unescape(code)
        if not character or character == "\ufffd" or not (character.isprintable() or character.isspace()):
            return code
    return " " if character == "\xa0" else character


def _character_but_brackets(found: re.Match[str]) -> str:
    character = _character(found)
    return found[0] if character in ("<", ">") else character


# --- links and names ----------------------------------------------------------------------------------------------------

# The characters of RFC 3986 but for brackets; a pair of parentheses with such characters within belongs to the link.
_PLAIN = r"[a-z0-9\-._~:/?#@!$&'*+,;=%]"
_LINK = re.compile(rf"(?:https?://|(?<!\w)ftp://|(?<![\w.@])www\.)(?=[a-z0-9])(?:{_PLAIN}++|\({_PLAIN}*+\))*+", re.IGNORECASE | re.ASCII)
_SENTENCE = ".,;:!?'*~"  # what ends a sentence, not the link at its end
# Words behind an "@" that are code, not people: Java, Javadoc and its like, CSS, Python.
_CODE = (
    "override|deprecated|suppresswarnings|functionalinterface|safevarargs|autowired|nullable|notnull|nonnull|"
    "test|before|after|beforeeach|aftereach|component|service|repository|controller|restcontroller|entity|bean|"
    "param|params|return|returns|throws|exception|see|since|author|version|link|code|type|typedef|inheritdoc|todo|"
    "media|import|keyframes|supports|charset|page|namespace|layer|container|font|include|mixin|extend|"
    "property|staticmethod|classmethod|dataclass|abstractmethod|pytest"
)
_NAME = re.compile(
    r"(?<![\w@/])@(?=[0-9_]*[a-z])"
    rf"(?!(?:{_CODE})(?!\w)|[0-9]+[a-z]{{1,2}}(?!\w))"  # nor "@5pm"
    r"[a-z0-9_]{2,30}(?![\w\u00c0-\u052f\u1e00-\u1fff]|(?:\.\w+)?\()",  # nor the beginning of "@josé", nor "@app.route("
    re.IGNORECASE | re.ASCII,
)
_WEIBO = re.compile(r"(?:(?<=//)|(?<=回复))@[^\s@:：/]{1,30}(?=[:：])")
_DOMAIN = re.compile(r"\.[a-z]", re.IGNORECASE | re.ASCII)


def mask_links(text: str) -> str:
    """Links as "http" and user names as "@user", as the TweetEval models were trained (Barbieri et al., 2020). See ``replace_links``."""
    return replace_links(text, "http", "@user")


def replace_links(text: str, link: str, user: str) -> str:
    """The text with ``link`` in place of each link and ``user`` in place of each user name.

    A link begins with http://, https://, ftp:// or "www." and is of ASCII, so that it ends where Chinese or Thai begins; punctuation
    at its end, and a parenthesis that it did not open, belong to the sentence. A link glued to a word is parted from it by a blank.

    A user name is an "@" with 2 to 30 ASCII letters, digits and "_", among them a letter, at the beginning of a word or after a
    letter that is not ASCII. Not so in addresses of e-mail, calls ("@app.route("), the best known words of code ("@Override",
    "@media", "@param") and quantities ("@10", "@5pm"). Names in other scripts cannot be told from the text that follows without a blank,
    and stay, but for the forms of Weibo that end with a colon: "//@name:" and "回复@name:".
    """
    if "://" in text or "www." in text.lower():
        text = _LINK.sub(lambda found: _parted(found, link), text)
    if "@" in text:
        text = _NAME.sub(lambda found: found[0] if _is_address(found) else user, text)
        if ":" in text or "：" in text:
            text = _WEIBO.sub(user, text)
    return text


def _parted(found: re.Match[str], link: str) -> str:
    before = found.string[found.start() - 1 : found.start()]
    glued = before.isascii() and before.isalnum()
    return (" " if glued else "") + link + found[0][len(found[0].rstrip(_SENTENCE)) :]


def _is_address(found: re.Match[str]) -> bool:
    """Whether a domain follows, and what stands before can end the first half of an address: "josé@x.org"."""
    before = found.string[found.start() - 1 : found.start()]
    return (not before.isascii() or before in tuple(".+-%")) and _DOMAIN.match(found.string, found.end()) is not None
