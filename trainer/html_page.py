"""The one shell of pages that are plain HTML: a login, a link to somebody's work, a report to share. They request nothing from elsewhere.

The page of the app itself is gradio's (``ui/``).
"""

from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #59636e; --line: #d8dee4; --soft: #f1f3f5; --accent: #4f46e5; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --quiet: #a5adb6; --line: #3b424a; --soft: #23282e; --accent: #9a93ff; --paper: #15181c; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { margin: 0 auto; max-width: 32rem; padding: 12vh 1.25rem 4rem; }
h1 { font-size: 1.75rem; line-height: 1.25; margin: 0 0 .5rem; } a { color: var(--accent); } p { margin: .4rem 0; } .quiet, small { color: var(--quiet); } [role=alert] { font-weight: 600; }
input, textarea, button { display: block; width: 100%; font: inherit; min-height: 44px; padding: .6rem .75rem; border: 1px solid var(--quiet); border-radius: 8px; background: var(--paper); color: inherit; }
label { display: block; margin: 1rem 0 .25rem; } h2 label { margin: 0; }
button { width: auto; margin: 1rem 0; border-color: var(--accent); color: var(--accent); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""


def html_page(title: str, content: str, *, style: str = "", policy: str = "") -> str:
    """A whole page. ``content`` is HTML, ``title`` text; ``style`` is CSS beyond that of all such pages.

    ``policy`` is a Content-Security-Policy for a page that may be opened as a file, without the headers of the server.
    """
    meta = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">' if policy else ""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"{meta}<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body><main>{content}</main></body></html>\n"
    )
