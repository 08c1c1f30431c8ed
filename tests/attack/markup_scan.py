"""What words that were shown have done to a page in Chromium: what it ran, what it fetched, and what nobody but a person's words could have put there.

Knows no page in particular.
"""

from dataclasses import dataclass, field

from playwright.sync_api import Page, Request

from tests.addresses import is_elsewhere

BEFORE = """
    window.__told = [];
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...words) => { window.__told.push(name + " " + words.join(" ").slice(0, 80)); };
    document.addEventListener("securitypolicyviolation", (event) => window.__told.push("policy " + event.blockedURI + " " + event.violatedDirective));
"""
"""Runs before anything of the page: whoever calls one of these was not the page."""

_SCAN = """own => {
    const found = window.__told.splice(0);
    if (window.__pwned !== undefined) { found.push("a script of somebody's words ran"); delete window.__pwned; }
    const roots = [document], all = [];
    while (roots.length) {
        for (const one of roots.pop().querySelectorAll("*")) { all.push(one); if (one.shadowRoot) roots.push(one.shadowRoot); }
    }
    const known = window.__known ?? (window.__known = new WeakSet());
    const strange = /^(iframe|frame|object|embed|applet|base|form|meta|link|script|style|template|marquee|math|audio|video|source|portal|dialog|img|image|animate|set|foreignobject)$/i;
    for (const one of all) {
        if (known.has(one)) continue;
        known.add(one);
        const short = one.outerHTML.slice(0, 160);
        for (const { name, value } of one.attributes) {
            if (/^on/i.test(name)) found.push("an attribute " + name + ": " + short);
            if (/^(href|src|action|formaction|xlink:href|data|poster|background|srcdoc|srcset)$/i.test(name)) {
                if (/^[\\s\\u0000-\\u0020]*(javascript|vbscript|data:text)/i.test(value)) found.push("a link to a program: " + short);
                if (/evil\\.test/i.test(value)) found.push("a link to another host: " + short);
            }
            if (name === "style" && /url\\(|expression|javascript/i.test(value) && !value.includes("url(#") && !value.includes('url("#')) found.push("a style that fetches: " + short);
        }
        // The page's own libraries add style sheets and modules of their own as they are needed.
        if (one.tagName === "STYLE" && !/@import|url\\((?!\\s*["']?data:)|expression|javascript|evil\\.test/i.test(one.textContent)) continue;
        if (/^(LINK|SCRIPT)$/.test(one.tagName) && !one.textContent && (one.href || one.src || "").startsWith(location.origin + "/")) continue;
        if (one.tagName === "image" && (one.href?.baseVal ?? "").startsWith("data:image/png")) continue;  // a heat map of plotly's
        if (!own && strange.test(one.tagName)) found.push("an element: " + short);
    }
    return found;
}"""


@dataclass
class Watched:
    """A page, and what it asked other hosts for."""

    page: Page
    host: str
    outside: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(BEFORE)
        self.page.on("request", self._asked)
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)[:200]))

    def settle(self) -> None:
        """What stands there now is the page's own."""
        self.page.evaluate(_SCAN, True)

    def effects(self, where: str) -> list[str]:
        """What has happened, and what has been added, since the last look."""
        found = [
            *self.page.evaluate(_SCAN, False),
            *(f"asked {url}" for url in self.outside),
            *(f"dialog {words}" for words in self.dialogs),
        ]
        self.outside.clear()
        self.dialogs.clear()
        return [f"{where}: {effect}" for effect in found]

    def _asked(self, request: Request) -> None:
        if is_elsewhere(request.url, self.host):
            self.outside.append(request.url)
