// What holds for the whole page: tabs begin at the top and hand over the focus, keys that people expect, no focus lost, a strip that answers
// at once. It knows no data.

(() => {
  const $ = (selector, root = document) => root.querySelector(selector);
  const tabs = () => [...document.querySelectorAll("#tabs > .tab-wrapper .tab-container:not(.visually-hidden) > [role=tab]")];
  const panel = () => [...document.querySelectorAll("#tabs > [role=tabpanel]")].find((one) => one.offsetParent !== null);
  const heading = () => [...(panel()?.querySelectorAll("h2[tabindex='-1']") ?? [])].find((one) => one.offsetParent !== null);

  // Tabs

  let selected = "";
  function changed() {
    const now = tabs().find((tab) => tab.getAttribute("aria-selected") === "true")?.textContent ?? "";
    if (!now || now === selected) return;
    const first = selected === "";
    selected = now;
    if (first) return;
    scrollTo({ top: 0, behavior: "instant" });
    // Who chose it on the tabs themselves stays there; who came by a button or a key is led on.
    awaited = document.activeElement?.getAttribute("role") !== "tab";
    requestAnimationFrame(lead);
  }

  // Gradio builds a tab when it is first seen: its heading is waited for, until somebody goes elsewhere.
  let awaited = false;
  function lead() {
    const there = awaited && heading();
    if (!there) return;
    awaited = false;
    there.focus({ preventScroll: true });
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.getAttribute?.("role") === "tab") {
      const all = tabs();
      const at = all.indexOf(target);
      const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[key];
      if (at < 0 || to === undefined) return;
      event.preventDefault();
      const next = all[(to + all.length) % all.length];
      next.focus();
      next.click();
    } else if (key === "Tab" && target.getAttribute?.("aria-expanded") === "true" && target.getAttribute("role") === "combobox") {
      // Gradio's lists stay open behind whoever leaves them so.
      target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    } else if (key === "Escape") {
      const leave = [...document.querySelectorAll("[data-escape] button, button[data-escape]")].filter((one) => one.offsetParent !== null);
      leave.at(-1)?.click();
    }
  });

  // The focus never falls to the body: where its place is taken away it goes on from the heading.

  let last = null;
  document.addEventListener("focusin", ({ target }) => ([last, awaited] = [target, false]));
  document.addEventListener("pointerdown", () => ([last, awaited] = [null, false]));
  setInterval(() => {
    if (!last || document.activeElement !== document.body || !document.hasFocus()) return;
    const gone = !last.isConnected || last.offsetParent === null || last.disabled;
    last = null;
    awaited ||= gone;
    lead();
  }, 250);

  // A mistake is seen at its field, wherever that stands, once Start has found it.

  let pressedStart = 0;
  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (detail.action === "start") pressedStart = Date.now();
  });
  function toMistake() {
    const field = Date.now() - pressedStart < 10000 && $("#settings .em-invalid :is(input, textarea)");
    if (!field || field.offsetParent === null) return;
    pressedStart = 0;
    field.scrollIntoView({ block: "center", behavior: "instant" });
    field.focus({ preventScroll: true });
  }
  setInterval(toMistake, 250);

  // A press that begins a training is answered before the server is asked.

  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (!detail.busyMessage) return;
    const strip = $("#status-bar .em-with-buttons");
    if (!strip || $(".em-status-bar[data-state=running]", strip)) return;
    const busy = document.createElement("div");
    busy.className = "em-status-bar";
    busy.dataset.state = "running";
    busy.dataset.busy = "";
    busy.setAttribute("role", "status");
    busy.textContent = detail.busyMessage;
    strip.querySelector(".em-status-bar")?.remove();
    strip.prepend(busy);
  });

  // What has been seen of a run's end need not stand there for ever.

  const DISMISSED = "emotune-dismissed";
  function hideDismissed() {
    const strip = $("#status-bar .em-status-bar[data-key]");
    if (!strip) return;
    // Whoever has the results before him need not be told of them.
    const results = strip.dataset.state === "ok" && $("[data-action=results]", strip)?.dataset.code;
    if (results && selected === "Results" && results === $("#model textarea, #model input")?.value) localStorage.setItem(DISMISSED, strip.dataset.key);
    strip.hidden = strip.dataset.key === localStorage.getItem(DISMISSED);
  }
  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (!["dismiss", "results"].includes(detail.action)) return;
    const strip = $("#status-bar .em-status-bar[data-key]");
    if (strip && strip.dataset.state !== "running") localStorage.setItem(DISMISSED, strip.dataset.key);
    hideDismissed();
  });

  function observe() {
    new MutationObserver(() => {
      changed();
      lead();
      hideDismissed();
    }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected", "data-key"] });
  }
  // Gradio puts this script into the page when it gets to it: before the document is parsed, or after.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", observe);
  else observe();

  // Where a file was open, the page that asks for one is not shown while the server is asked.

  const FILE = "emotune-file";
  if (localStorage.getItem(FILE)) document.documentElement.dataset.awaits = "file";
  addEventListener("pagehide", () => localStorage.setItem(FILE, $("#data-tab")?.classList.contains("em-file-open") ? "open" : ""));
  const shown = () => delete document.documentElement.dataset.awaits;
  window.emotuneOpened = () => {
    shown();
    document.documentElement.dataset.opened = "";
  };
  setTimeout(shown, 10000);

  // Requests that a reload cuts off are no errors: gradio breaks them off itself, and then complains of each; the browser ends them in silence.

  let leaving = false;
  addEventListener("beforeunload", () => (leaving = true));
  addEventListener("pageshow", () => (leaving = false));
  const { fetch } = window;
  window.fetch = (...asked) => fetch(...asked).catch((error) => (leaving ? new Promise(() => {}) : Promise.reject(error)));
  const { abort } = AbortController.prototype;
  AbortController.prototype.abort = function (...why) {
    // Gradio may hear of it before this script does.
    if (!leaving && window.event?.type !== "beforeunload") abort.apply(this, why);
  };
})();
