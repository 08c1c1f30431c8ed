// Behaviour of the whole page: tabs start at the top and move the focus, keyboard navigation, no lost focus, a status bar that reacts at once.

(() => {
  // Where a browser refuses storage, what would be kept lives as long as the page.
  for (const name of ["localStorage", "sessionStorage"]) {
    try {
      window[name].length;
    } catch {
      const kept = new Map();
      const value = {
        getItem: (key) => kept.get(key) ?? null,
        setItem: (key, text) => kept.set(key, `${text}`),
        removeItem: (key) => kept.delete(key),
      };
      Object.defineProperty(window, name, { value });
    }
  }

  const $ = (selector, root = document) => root.querySelector(selector);
  const tabs = () => [...document.querySelectorAll("#tabs > .tab-wrapper .tab-container:not(.visually-hidden) > [role=tab]")];
  const panel = () => [...document.querySelectorAll("#tabs > [role=tabpanel]")].find((panel) => panel.offsetParent !== null);
  const heading = () => [...(panel()?.querySelectorAll("h2[tabindex='-1']") ?? [])].find((heading) => heading.offsetParent !== null);

  // The rows that a suggestion of the Results tab is about, for check_labels.js, which may not be there yet.
  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (detail.action === "check-pair") document.body.dataset.labelPair = detail.code;
  });

  // Tabs

  let selected = "";
  function handleTabChange() {
    const name = tabs().find((tab) => tab.getAttribute("aria-selected") === "true")?.textContent ?? "";
    if (!name || name === selected) return;
    const first = selected === "";
    selected = name;
    if (first) return;
    scrollTo({ top: 0, behavior: "instant" });
    // After a click on a tab the focus stays there; after a button it moves to the heading.
    focusPending = document.activeElement?.getAttribute("role") !== "tab";
    requestAnimationFrame(focusHeading);
  }

  // Gradio builds a tab when it is first shown: the focus waits for its heading, until the user moves it elsewhere.
  let focusPending = false;
  function focusHeading() {
    const target = focusPending && heading();
    if (!target) return;
    focusPending = false;
    target.focus({ preventScroll: true });
  }

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (target.getAttribute?.("role") === "tab") {
      const all = tabs();
      const index = all.indexOf(target);
      const newIndex = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: all.length - 1 }[key];
      if (index < 0 || newIndex === undefined) return;
      event.preventDefault();
      const next = all[(newIndex + all.length) % all.length];
      next.focus();
      next.click();
    } else if (key === "Tab" && target.getAttribute?.("aria-expanded") === "true" && target.getAttribute("role") === "combobox") {
      // Gradio's dropdowns would stay open after Tab.
      target.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    } else if (key === "Escape") {
      const buttons = [...document.querySelectorAll("[data-escape] button, button[data-escape]")].filter((button) => button.offsetParent !== null);
      buttons.at(-1)?.click();
    }
  });

  // Gradio names each radio button by itself, and anew with each choice: each would be a stop of the Tab key, and arrow keys would not lead from
  // one to the next. With one name for all the browser does both.

  function groupRadios(target) {
    const group = [...(target.closest("fieldset")?.querySelectorAll("input[type=radio]") ?? [])];
    const checked = group.find((radio) => radio.checked);
    for (const radio of group) radio.name = group[0].name;
    // The browser unchecks all but one of a name.
    if (checked) checked.checked = true;
    return checked;
  }
  document.addEventListener("focusin", ({ target, relatedTarget }) => {
    if (target.type !== "radio" || !target.matches(":focus-visible") || target.closest("fieldset")?.contains(relatedTarget)) return;
    groupRadios(target)?.focus();
  });
  document.addEventListener("keydown", ({ target }) => target.type === "radio" && groupRadios(target), true);

  // The focus never falls back to the body: if its element disappears, it moves to the heading.

  let lastFocus = null;
  document.addEventListener("focusin", ({ target }) => ([lastFocus, focusPending] = [target, false]));
  document.addEventListener("pointerdown", () => ([lastFocus, focusPending] = [null, false]));
  setInterval(() => {
    if (!lastFocus || document.activeElement !== document.body || !document.hasFocus()) return;
    const gone = !lastFocus.isConnected || lastFocus.offsetParent === null || lastFocus.disabled;
    lastFocus = null;
    focusPending ||= gone;
    focusHeading();
  }, 250);

  // After Start, the page scrolls to the field with an error.

  // However long the answer takes, unless the user turns to something else meanwhile.
  let startPressed = false;
  const turnAway = ({ target }) => (startPressed &&= !!target.closest?.("#start"));
  for (const type of ["pointerdown", "keydown"]) document.addEventListener(type, turnAway, true);
  document.addEventListener("emotune:pressed", ({ detail }) => (startPressed = detail.action === "start"));
  function scrollToError() {
    const field = startPressed && $("#settings .em-invalid :is(input, textarea)");
    if (!field || field.offsetParent === null) return;
    startPressed = false;
    field.scrollIntoView({ block: "center", behavior: "instant" });
    field.focus({ preventScroll: true });
  }
  setInterval(scrollToError, 250);

  // A button that starts a training shows its busy message before the server has answered.

  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (!detail.busyMessage) return;
    const bar = $("#status-bar .em-with-buttons");
    if (!bar || $(".em-status-bar[data-state=running]", bar)) return;
    const message = document.createElement("div");
    message.className = "em-status-bar";
    message.dataset.state = "running";
    message.dataset.busy = "";
    message.setAttribute("role", "status");
    message.textContent = detail.busyMessage;
    bar.querySelector(".em-status-bar")?.remove();
    bar.prepend(message);
  });

  // The end of a run disappears from the status bar once the user has seen or hidden it.

  const DISMISSED = "emotune-dismissed";
  function hideDismissed() {
    const bar = $("#status-bar .em-status-bar[data-key]");
    if (!bar) return;
    // While the user sees the results, the bar need not announce them.
    const results = bar.dataset.state === "ok" && $("[data-action=results]", bar)?.dataset.code;
    if (results && selected === "Results" && results === $("#model textarea, #model input")?.value) localStorage.setItem(DISMISSED, bar.dataset.key);
    bar.hidden = bar.dataset.key === localStorage.getItem(DISMISSED);
  }
  document.addEventListener("emotune:pressed", ({ detail }) => {
    if (!["dismiss", "results"].includes(detail.action)) return;
    const bar = $("#status-bar .em-status-bar[data-key]");
    if (bar && bar.dataset.state !== "running") localStorage.setItem(DISMISSED, bar.dataset.key);
    hideDismissed();
  });

  function observe() {
    new MutationObserver(() => {
      handleTabChange();
      focusHeading();
      hideDismissed();
    }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-selected", "data-key"] });
  }
  // Gradio inserts this script before or after the document is parsed.
  if (document.readyState === "loading") addEventListener("DOMContentLoaded", observe);
  else observe();

  // If a file was open before a reload, the page hides the upload view until the server has answered.

  const FILE = "emotune-file";
  if (localStorage.getItem(FILE)) document.documentElement.dataset.awaits = "file";
  addEventListener("pagehide", () => localStorage.setItem(FILE, $("#data-tab")?.classList.contains("em-file-open") ? "open" : ""));
  const stopWaiting = () => delete document.documentElement.dataset.awaits;
  window.emotuneOpened = () => {
    stopWaiting();
    document.documentElement.dataset.opened = "";
  };
  setTimeout(stopWaiting, 10000);

  // Requests that a reload aborts are no errors: gradio would abort them itself and report each; the browser ends them silently.

  let leaving = false;
  addEventListener("beforeunload", () => (leaving = true));
  addEventListener("pageshow", () => (leaving = false));
  const { fetch } = window;
  window.fetch = (...request) => fetch(...request).catch((error) => (leaving ? new Promise(() => {}) : Promise.reject(error)));
  const { abort } = AbortController.prototype;
  AbortController.prototype.abort = function (...reason) {
    // Gradio may handle the event before this script does.
    if (!leaving && window.event?.type !== "beforeunload") abort.apply(this, reason);
  };
})();
