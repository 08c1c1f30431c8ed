// A field that finds a label by its beginning. Knows neither the table nor the server.

import { dot, el } from "./label_dialogs.js";

const MAX_LISTED = 8;

// Appends the field to ``cell`` and focuses it; ``classes`` are {name, colour}. Enter or a press calls ``choose`` with a name, Escape and Tab ``cancel``.
export function pickLabel(cell, { classes, typed, choose, cancel }) {
  const input = el("input", {
    type: "text",
    class: "em-picker-input",
    role: "combobox",
    "aria-expanded": "true",
    "aria-controls": "em-picker-list",
    "aria-autocomplete": "list",
    "aria-label": "Label, by its beginning",
    autocomplete: "off",
    dir: "auto",
    value: typed,
  });
  const options = el("ul", { class: "em-picker-list", id: "em-picker-list", role: "listbox", "aria-label": "Labels" });
  let matches = [];
  let at = 0;

  function draw() {
    const wanted = input.value.trim().toLocaleLowerCase();
    const begins = classes.filter(({ name }) => name.toLocaleLowerCase().startsWith(wanted));
    const contains = classes.filter((entry) => !begins.includes(entry) && entry.name.toLocaleLowerCase().includes(wanted));
    matches = [...begins, ...contains].slice(0, MAX_LISTED);
    at = Math.min(at, Math.max(matches.length - 1, 0));
    options.replaceChildren(...matches.map(option));
    if (!matches.length) options.append(el("li", { class: "em-quiet", role: "option", "aria-selected": "false", "aria-disabled": "true" }, "no such label"));
    input.setAttribute("aria-activedescendant", matches.length ? `em-option-${at}` : "");
  }

  function option({ name, colour }, i) {
    const onpointerdown = (event) => {
      event.preventDefault();
      choose(name);
    };
    return el("li", { role: "option", id: `em-option-${i}`, "aria-selected": String(i === at), onpointerdown }, dot(colour), el("bdi", {}, name));
  }

  input.addEventListener("input", () => {
    at = 0;
    draw();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    event.stopPropagation();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const ends = event.key === "Escape" || event.key === "Tab";
    if (!step && !ends && event.key !== "Enter") return;
    event.preventDefault();
    if (ends) return cancel();
    if (event.key === "Enter") return matches.length && choose(matches[at].name);
    at = (at + step + matches.length) % Math.max(matches.length, 1);
    draw();
  });
  cell.append(el("div", { class: "em-picker" }, input, options));
  draw();
  input.focus();
  input.setSelectionRange(typed.length, typed.length);
  cell.scrollIntoView({ block: "nearest" });
}
