"""Finds injected content in any page in Chromium: scripts that ran, foreign requests, and elements that only untrusted text can have added."""

from dataclasses import dataclass, field

from playwright.sync_api import Page, Request

from tests.addresses import is_external

INIT_SCRIPT = """
    window.__events = [];
    for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = (...args) => { window.__events.push(name + " " + args.join(" ").slice(0, 80)); };
    document.addEventListener("securitypolicyviolation", (event) => window.__events.push("policy " + event.blockedURI + " " + event.violatedDirective));
"""
"""Runs before the page's own scripts, which call none of these functions."""

_SCAN = """isBaseline => {
    const effects = window.__events.splice(0);
    if (window.__pwned !== undefined) { effects.push("a script in a text ran"); delete window.__pwned; }
    const roots = [document], elements = [];
    while (roots.length) {
        for (const element of roots.pop().querySelectorAll("*")) { elements.push(element); if (element.shadowRoot) roots.push(element.shadowRoot); }
    }
    const known = window.__known ?? (window.__known = new WeakSet());
    const suspicious = /^(iframe|frame|object|embed|applet|base|form|meta|link|script|style|template|marquee|math|audio|video|source|portal|dialog|img|image|animate|set|foreignobject)$/i;
    for (const element of elements) {
        if (known.has(element)) continue;
        known.add(element);
        const excerpt = element.outerHTML.slice(0, 160);
        for (const { name, value } of element.attributes) {
            if (/^on/i.test(name)) effects.push("an attribute " + name + ": " + excerpt);
            if (/^(href|src|action|formaction|xlink:href|data|poster|background|srcdoc|srcset)$/i.test(name)) {
                if (/^[\\s\\u0000-\\u0020]*(javascript|vbscript|data:text)/i.test(value)) effects.push("a link to a script: " + excerpt);
                if (/evil\\.test/i.test(value)) effects.push("a link to another host: " + excerpt);
            }
            if (name === "style" && /url\\(|expression|javascript/i.test(value) && !value.includes("url(#") && !value.includes('url("#')) effects.push("a style that loads a URL: " + excerpt);
        }
        // The page's libraries add their style sheets and modules when they are needed.
        if (element.tagName === "STYLE" && !/@import|url\\((?!\\s*["']?data:)|expression|javascript|evil\\.test/i.test(element.textContent)) continue;
        if (/^(LINK|SCRIPT)$/.test(element.tagName) && !element.textContent && (element.href || element.src || "").startsWith(location.origin + "/")) continue;
        if (element.tagName === "image" && (element.href?.baseVal ?? "").startsWith("data:image/png")) continue;  // a Plotly heat map
        if (!isBaseline && suspicious.test(element.tagName)) effects.push("an element: " + excerpt);
    }
    return effects;
}"""


@dataclass
class WatchedPage:
    """A page with its requests to other hosts, its dialogs and its errors."""

    page: Page
    host: str
    foreign_requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(INIT_SCRIPT)
        self.page.on("request", self._on_request)
        self.page.on("dialog", lambda dialog: (self.dialogs.append(dialog.message), dialog.dismiss()))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)[:200]))

    def set_baseline(self) -> None:
        """Take the current content as the baseline."""
        self.page.evaluate(_SCAN, True)

    def effects(self, where: str) -> list[str]:
        """What has happened and what has been added since the last call."""
        effects = [
            *self.page.evaluate(_SCAN, False),
            *(f"requested {url}" for url in self.foreign_requests),
            *(f"dialog {message}" for message in self.dialogs),
        ]
        self.foreign_requests.clear()
        self.dialogs.clear()
        return [f"{where}: {effect}" for effect in effects]

    def _on_request(self, request: Request) -> None:
        if is_external(request.url, self.host):
            self.foreign_requests.append(request.url)
