// The table of labels that look wrong: props.value is JSON (audit_view.py). Shows one page of rows, moves by keys, and decides optimistically
// through LabelStore; what the server saved wins. In scope (gradio): element, props, trigger, watch. Template: <div class="em-labels"></div>.

import { className, el, openClasses, openKeys } from "./label_dialogs.js";
import { pickLabel } from "./label_picker.js";
import { LabelStore } from "./label_store.js";
import { LABEL_TASKS } from "./label_tasks.js";

const PAGE_ROWS = 50;
const SECONDS_A_ROW = 5; // before anybody has decided five rows
const MAX_PAUSE = 90_000; // milliseconds; a longer one is no time spent on a row

export function mount({ element, props, trigger, watch }) {
  const root = element.querySelector(".em-labels");
  const store = new LabelStore(trigger, () => store.data && update());
  const ticked = new Set();
  const history = []; // keys in the order in which this page decided them
  const pauses = []; // milliseconds between two decisions
  let lastDecision = 0;
  let filter = { pair: "", show: "all", part: "learn" };
  let list = []; // the rows that the filter shows
  let current = 0;
  let loaded = "";
  let parts = null;
  let classesDialog = null;

  // A label may be called "constructor", which every object has.
  const present = (name) => (Object.hasOwn(store.data.names, name) ? store.data.names[name] : name);
  const task = () => LABEL_TASKS[store.data.labels];
  // The present labels of a row, those of the classes in their order, so that the same ones are written alike.
  const now = (written) => {
    const place = new Map(store.data.classes.map(({ name }, i) => [name, i]));
    return task().written([...new Set(task().names(written).map(present))].sort((a, b) => (place.get(a) ?? place.size) - (place.get(b) ?? place.size)));
  };
  const colour = (name) => store.data.classes.find((entry) => entry.name === name)?.colour ?? "#748498";
  const inPart = (row) => filter.part === "all" || row.part === filter.part;
  // Once two labels are merged, their rows are no longer given for each other.
  const rows = () => store.data.rows.filter((row) => now(row.given) !== now(row.suggested) || store.decision(row.key));
  const changesOf = (row) => task().changes(now(row.given), now(row.suggested));
  // What a row has by what was decided, or as it is.
  const labelsOf = (row) => {
    const decision = store.decision(row.key);
    return now(decision?.action === "relabel" ? decision.label : row.given);
  };

  // --- loading and filters

  function load() {
    if ((props.value ?? "") === loaded) return;
    const previous = store.data?.audit;
    loaded = props.value ?? "";
    store.load(loaded);
    if (!store.data) return root.replaceChildren();
    if (store.data.audit !== previous) {
      filter = { pair: "", show: "all", part: store.data.rows.some((row) => row.part === "learn") ? "learn" : "all" };
      ticked.clear();
    }
    choosePair();
    build();
    choose();
  }

  // The Results tab asks for the rows of two classes (page_frame.js): those given as one and suggested as the other, in the direction with more rows.
  function choosePair() {
    const wish = document.body.dataset.labelPair;
    if (!wish) return false;
    const [a, b] = JSON.parse(wish).map(present);
    const counted = task().changesOfPair(a, b).map((change) => [rows().filter((row) => changesOf(row).includes(change)).length, change]);
    const [count, pair] = counted.sort((x, y) => y[0] - x[0])[0];
    delete document.body.dataset.labelPair;
    if (!count) return false;
    filter = { ...filter, pair };
    return true;
  }

  function choose() {
    const shows = { all: () => true, undecided: (row) => !store.decision(row.key), decided: (row) => store.decision(row.key) };
    list = rows().filter((row) => inPart(row) && (!filter.pair || changesOf(row).includes(filter.pair)) && shows[filter.show](row));
    const first = list.findIndex((row) => !store.decision(row.key));
    current = Math.max(first, 0);
    drawPage();
    update();
  }

  // --- the parts of the view, made once for each table

  function build() {
    parts = {
      progress: el("p", { class: "em-quiet em-label-progress" }),
      bar: el("div"),
      error: el("p", { class: "em-label-error", role: "alert" }),
      bulk: el("div", { class: "em-bulk" }),
      body: el("tbody", { role: "rowgroup" }),
      pages: el("div", { class: "em-label-pages" }),
      meaning: el("p", { class: "em-quiet em-small em-meaning" }),
      status: el("p", { class: "em-hidden", role: "status" }),
      tickAll: el("input", { type: "checkbox", "aria-label": "Tick all rows that are listed", onchange: tickAll }),
    };
    const track = el("div", { class: "em-label-bar", role: "progressbar", "aria-label": "Rows looked at", "aria-valuemin": 0, "aria-valuemax": 100 }, parts.bar);
    const head = ["Text", "Given", "Suggested", "Why", "Decision"].map((name) => el("th", { role: "columnheader" }, name));
    const tick = el("th", { role: "columnheader", class: "em-label-tick" }, el("label", { class: "em-tickbox" }, parts.tickAll));
    const table = el(
      "table",
      { class: "em-table em-label-table", role: "grid", "aria-label": "Labels that look wrong" },
      el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, tick, ...head)),
      parts.body,
    );
    const { title, sentence } = store.data;
    root.replaceChildren(
      el("div", { class: "em-labels-head" }, el("h2", { tabindex: -1 }, title), filters()),
      el("p", { class: "em-quiet em-labels-sentence" }, sentence, " ", parts.progress),
      track,
      parts.error,
      parts.bulk,
      table,
      parts.pages,
      parts.meaning,
      parts.status,
    );
  }

  function filters() {
    const select = (name, label, options) => {
      const node = el("select", { "aria-label": label, class: "em-label-filter", onchange: (event) => ((filter[name] = event.target.value), choose()) });
      node.append(...options.map(([value, words]) => el("option", { value, selected: filter[name] === value }, words)));
      return node;
    };
    const counts = new Map();
    for (const change of rows().flatMap(changesOf)) counts.set(change, (counts.get(change) ?? 0) + 1);
    const pairs = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 100);
    const named = pairs.map(([pair, n]) => [pair, `${task().changeWords(pair)} (${n})`]);
    const several = new Set(store.data.rows.map((row) => row.part)).size > 1;
    return el(
      "div",
      { class: "em-label-filters" },
      select("pair", task().filterName, [["", task().filterAll], ...named]),
      select("show", "Decided or not", [["all", "all rows"], ["undecided", "undecided"], ["decided", "decided"]]),
      several ? select("part", "Learning or test rows", [["learn", "learning rows"], ["test", "test rows"], ["all", "learning and test rows"]]) : "",
      el("button", { type: "button", class: "em-button em-keys-button", onclick: () => openKeys(element, store.data.classes, task().keyWords) }, "Keys: ?"),
    );
  }

  // --- rows

  const pageStart = () => Math.floor(current / PAGE_ROWS) * PAGE_ROWS;
  const onPage = () => list.slice(pageStart(), pageStart() + PAGE_ROWS);
  const lines = () => [...parts.body.children];

  function drawPage() {
    const rows = onPage();
    parts.body.replaceChildren(...rows.map((row, i) => drawRow(row, pageStart() + i)));
    if (!rows.length) parts.body.append(el("tr", { role: "row" }, el("td", { role: "gridcell", colspan: 6, class: "em-quiet em-no-rows" }, "No row is listed with this filter.")));
    const go = (at, words) => el("button", { type: "button", class: "em-button", disabled: at < 0 || at >= list.length, onclick: () => moveTo(at) }, words);
    const start = pageStart();
    parts.pages.replaceChildren();
    if (list.length > PAGE_ROWS)
      parts.pages.append(go(start - PAGE_ROWS, "Previous"), el("span", { class: "em-quiet em-small" }, `${start + 1} to ${start + rows.length} of ${list.length.toLocaleString("en")}`), go(start + PAGE_ROWS, "Next"));
  }

  function drawRow(row, index) {
    const given = now(row.given);
    const suggested = now(row.suggested);
    const isCurrent = index === current;
    const decision = store.decision(row.key);
    const tick = el("input", { type: "checkbox", tabindex: isCurrent ? 0 : -1, "aria-label": `Tick row ${index + 1}`, onchange: (event) => tickRow(row.key, event.target.checked) });
    tick.checked = ticked.has(row.key);
    const cell = (css, label, ...content) => el("td", { role: "gridcell", class: css, "data-label": label }, ...content);
    const line = el(
      "tr",
      { role: "row", tabindex: isCurrent ? 0 : -1, class: `em-label-row${isCurrent ? " em-current" : ""}${decision ? " em-decided" : ""}`, "aria-selected": String(ticked.has(row.key)), "data-key": row.key },
      cell("em-label-tick", "", el("label", { class: "em-tickbox" }, tick)),
      cell("em-label-text", "Text", el("div", { dir: "auto" }, row.text), row.part === "test" ? el("small", { class: "em-test-mark" }, "test row") : ""),
      cell("em-label-given", "Given", ...task().givenCells(given, colour)),
      cell("em-label-suggested", "Suggested", ...task().suggestedCells(given, suggested, colour)),
      cell("em-label-why em-quiet", "Why", row.why.replaceAll(" %", "\u00a0%")),
      cell("em-label-decision", "Decision", ...decided(decision), isCurrent ? buttons(row, suggested, decision) : ""),
    );
    line.dataset.state = stateOf(row);
    line.addEventListener("click", ({ target }) => {
      if (!target.closest("button, input, label, select") && index !== current) moveTo(index);
    });
    return line;
  }

  // What a drawn row shows and a decision can change.
  const stateOf = (row) => JSON.stringify([store.decision(row.key), now(row.given), now(row.suggested)]);

  function decided(decision) {
    if (!decision) return [];
    const words = { keep: "kept", drop: "dropped", relabel: decision.label && task().shown(now(decision.label)) }[decision.action];
    return [el("span", { class: `em-decided-as em-${decision.action}${decision.saving ? " em-saving" : ""}` }, el("bdi", {}, words), decision.saving ? " …" : " ✓")];
  }

  function buttons(row, suggested, decision) {
    const number = store.data.classes.findIndex((entry) => entry.name === suggested) + 1;
    const press = (words, key, act) => el("button", { type: "button", class: "em-button", tabindex: 0, onclick: act }, el("bdi", {}, words), key ? el("kbd", { "aria-hidden": "true" }, key) : "");
    return el(
      "div",
      { class: "em-label-buttons" },
      press("Keep", "k", () => decide("keep")),
      suggested !== now(row.given) ? press(task().takeWords(now(row.given), suggested), number <= 9 && number ? `${number}` : "↵", () => decide("relabel", suggested)) : "",
      press("Drop", "d", () => decide("drop")),
      press(task().otherWords, "r", () => openPicker("")),
      decision ? press("Undo", "u", undo) : "",
    );
  }

  function redrawRow(index) {
    const line = lines()[index - pageStart()];
    if (!line || !list[index]) return;
    const hadFocus = line.contains(document.activeElement);
    const focused = line.contains(document.activeElement) && document.activeElement !== line ? document.activeElement.textContent : null;
    if (line.querySelector(".em-picker")) return; // the user is typing in it
    const newLine = drawRow(list[index], index);
    line.replaceWith(newLine);
    if (hadFocus) ([...newLine.querySelectorAll("button")].find((button) => button.textContent === focused) ?? newLine).focus({ preventScroll: true });
  }

  // --- moving

  function moveTo(index, { focus = true } = {}) {
    if (!list.length) return;
    const before = [current, pageStart()];
    current = Math.min(Math.max(index, 0), list.length - 1);
    if (pageStart() === before[1]) {
      closePicker(before[0]);
      redrawRow(before[0]);
      redrawRow(current);
    } else drawPage();
    const line = lines()[current - pageStart()];
    if (focus) line?.focus({ preventScroll: true });
    line?.scrollIntoView({ block: "nearest" });
    drawMeaning();
  }

  // --- deciding

  // ``stay``: on this row, of which more may be decided.
  function decide(action, label = "", keys = [list[current]?.key], stay = false) {
    if (!keys[0]) return;
    const index = current;
    closePicker(index);
    const now = Date.now();
    if (lastDecision && keys.length === 1 && now - lastDecision < MAX_PAUSE) pauses.push(now - lastDecision);
    lastDecision = now;
    history.push(...keys);
    store.decide(keys, action, label);
    const words = { keep: "Kept.", drop: "Dropped.", relabel: label && `Changed to ${task().shown(label)}.` }[action];
    if (keys.length === 1 && stay) moveTo(index);
    else if (keys.length === 1) {
      const next = list.findIndex((row, i) => i > index && !store.decision(row.key));
      moveTo(next < 0 ? index : next);
    }
    say(`${words} ${parts.progress.textContent}`);
  }

  // Where a text has one label, it is this one now; where it may have several, it gets this one or loses it.
  function giveLabel(name) {
    const row = list[current];
    if (row) decide("relabel", now(task().withLabel(labelsOf(row), name)), [row.key], !task().givesOne);
  }

  function addLabel(name, keys) {
    const chosen = new Set(keys);
    const rows = store.data.rows.filter((row) => chosen.has(row.key));
    const after = (row) => (task().names(labelsOf(row)).includes(name) ? labelsOf(row) : now(task().withLabel(labelsOf(row), name)));
    history.push(...keys);
    store.decideAll([...Map.groupBy(rows, after)].map(([label, group]) => [group.map((row) => row.key), "relabel", label]));
    say(`${name}: ${parts.progress.textContent}`);
  }

  function undo() {
    let index = current;
    if (!store.decision(list[current]?.key)) {
      const key = history.findLast((done) => store.decision(done));
      index = list.findIndex((row) => row.key === key);
      if (index < 0) return say("There is nothing to undo in this list.");
    }
    store.decide([list[index].key], "undo");
    moveTo(index);
    say("Undone.");
  }

  function tickRow(key, on) {
    ticked[on ? "add" : "delete"](key);
    drawBulk();
    const index = list.findIndex((row) => row.key === key);
    lines()[index - pageStart()]?.setAttribute("aria-selected", String(on));
  }

  function tickAll({ target }) {
    for (const row of list) ticked[target.checked ? "add" : "delete"](row.key);
    drawPage();
    drawBulk();
  }

  function drawBulk() {
    parts.bulk.hidden = !ticked.size;
    parts.tickAll.checked = list.length > 0 && list.every((row) => ticked.has(row.key));
    parts.tickAll.indeterminate = ticked.size > 0 && !parts.tickAll.checked;
    if (!ticked.size) return parts.bulk.replaceChildren();
    const act = (run) => () => {
      run([...ticked]);
      ticked.clear();
      drawPage();
      update();
      moveTo(current);
    };
    const press = (words, run) => el("button", { type: "button", class: "em-button", onclick: act(run) }, words);
    const label = el("select", { "aria-label": "A label for the ticked rows", class: "em-label-filter" }, el("option", { value: "" }, task().bulkWords), ...store.data.classes.map(({ name }) => el("option", { value: name }, name)));
    label.addEventListener("change", () => label.value && act((keys) => addLabel(label.value, keys))());
    parts.bulk.replaceChildren(
      el("strong", {}, `${ticked.size.toLocaleString("en")} ticked`),
      press("Take the suggestions", takeSuggestions),
      press("Keep", (keys) => decide("keep", "", keys)),
      label,
      press("Drop", (keys) => decide("drop", "", keys)),
      el("button", { type: "button", class: "em-link", onclick: act(() => {}) }, "untick"),
    );
  }

  function takeSuggestions(keys) {
    const chosen = new Set(keys);
    const byLabel = Map.groupBy(store.data.rows.filter((row) => chosen.has(row.key)), (row) => now(row.suggested));
    const decisions = [...byLabel].map(([label, rows]) => [rows.map((row) => row.key), "relabel", label]);
    history.push(...keys);
    store.decideAll(decisions);
    say(`Suggestions taken. ${parts.progress.textContent}`);
  }

  // --- choosing a label by typing

  function openPicker(typed) {
    const cell = lines()[current - pageStart()]?.querySelector(".em-label-decision");
    if (!cell) return;
    closePicker(current);
    const cancel = () => {
      closePicker(current);
      moveTo(current);
    };
    pickLabel(cell, { classes: store.data.classes, typed, choose: giveLabel, cancel });
  }

  const closePicker = (index) => lines()[index - pageStart()]?.querySelector(".em-picker")?.remove();

  // --- what changes with every decision

  function update() {
    for (let i = 0; i < lines().length; i++) {
      const row = list[pageStart() + i];
      if (row && lines()[i].dataset.state !== stateOf(row)) redrawRow(pageStart() + i);
    }
    const counted = rows().filter(inPart);
    const done = counted.filter((row) => store.decision(row.key)).length;
    parts.progress.textContent = `${done.toLocaleString("en")} of ${counted.length.toLocaleString("en")} looked at${timeLeft(counted.length - done)}.`;
    parts.bar.style.width = `${counted.length ? (100 * done) / counted.length : 0}%`;
    parts.bar.parentElement.setAttribute("aria-valuenow", `${counted.length ? Math.round((100 * done) / counted.length) : 0}`);
    parts.error.textContent = store.error;
    drawBulk();
    drawMeaning();
    classesDialog?.redraw();
  }

  function timeLeft(rows) {
    if (!rows) return "";
    const sorted = [...pauses.slice(-30)].sort((a, b) => a - b);
    const seconds = rows * (sorted.length >= 5 ? sorted[Math.floor(sorted.length / 2)] / 1000 : SECONDS_A_ROW);
    if (seconds < 60) return ", less than a minute left";
    const minutes = Math.round(seconds / 60);
    return minutes < 90 ? `, about ${minutes} ${minutes === 1 ? "minute" : "minutes"} left` : `, about ${Math.round(minutes / 60)} hours left`;
  }

  function drawMeaning() {
    const row = list[current];
    const names = row ? [...new Set([row.given, row.suggested].flatMap((written) => task().names(now(written))))] : [];
    const known = store.data.classes.filter((entry) => names.includes(entry.name) && entry.definition);
    const edit = el("button", { type: "button", class: "em-link", onclick: () => (classesDialog = openClasses(element, store)) }, known.length ? "edit what the labels mean" : "say what the labels mean, rename or merge them");
    const key = JSON.stringify(known);
    if (parts.meaning.dataset.shown === key) return;
    parts.meaning.dataset.shown = key;
    parts.meaning.replaceChildren(...known.flatMap((entry) => [el("strong", {}, el("bdi", {}, entry.name)), ": ", el("bdi", {}, entry.definition), " "]), edit);
  }

  const say = (words) => (parts.status.textContent = words);

  // --- keys

  const COMMANDS = {
    k: () => decide("keep"),
    d: () => decide("drop"),
    u: undo,
    j: () => moveTo(current + 1),
    r: () => openPicker(""),
    "?": () => openKeys(element, store.data.classes, task().keyWords),
    Enter: () => list[current] && decide("relabel", now(list[current].suggested)),
    " ": () => list[current] && (tickRow(list[current].key, !ticked.has(list[current].key)), redrawRow(current)),
    ArrowDown: () => moveTo(current + 1),
    ArrowUp: () => moveTo(current - 1),
    PageDown: () => moveTo(pageStart() + PAGE_ROWS),
    PageUp: () => moveTo(pageStart() - PAGE_ROWS),
    Home: () => moveTo(0),
    End: () => moveTo(list.length - 1),
  };

  function onKey(event) {
    const { target, key } = event;
    if (!root.isConnected || !root.offsetParent || !store.data || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (element.querySelector("dialog[open]") || target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable], .em-footer")) return;
    // After a click on the tab the focus stays on it: letters and digits work from there too.
    const onTab = target.closest?.("[role=tab]") && key.length === 1 && key !== " ";
    if (!(root.contains(target) || target === document.body || onTab)) return;
    if (["Enter", " "].includes(key) && target.closest?.("button, a, input, summary")) return;
    const label = /^[1-9]$/.test(key) ? store.data.classes[Number(key) - 1]?.name : null;
    const run = COMMANDS[key.length === 1 ? key.toLowerCase() : key] ?? (label ? () => giveLabel(label) : null);
    const types = key.length === 1 && /\p{L}/u.test(key) && list[current];
    if (!run && !types) return;
    event.preventDefault();
    if (run) run();
    else openPicker(key);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("emotune:pressed", () => {
    // After page_frame.js has noted the pair.
    if (store.data && choosePair()) (build(), choose());
  });

  watch("value", load);
  load();
}
