// The two dialogs of the tab Check labels: the keys, and what the labels mean. Independent of the table.

export const el = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== ""));
  return node;
};

export const dot = (colour) => el("i", { class: "em-dot", style: `background:${colour}`, "aria-hidden": "true" });

export const className = (name, colour) => el("span", { class: "em-label-name" }, dot(colour), el("bdi", {}, name));

function open(root, title, ...content) {
  const dialog = el("dialog", { class: "em-label-dialog", "aria-label": title });
  const close = el("button", { type: "button", class: "em-button", onclick: () => dialog.close() }, "Close");
  dialog.append(el("h3", {}, title), ...content, el("div", { class: "em-dialog-end" }, close));
  dialog.addEventListener("close", () => dialog.remove());
  // A press beside the dialog closes it.
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  root.append(dialog);
  dialog.showModal();
  return dialog;
}

// ``words``: what the first three keys do.
export function openKeys(root, classes, [keep, take, give]) {
  const keys = [
    ["k", keep],
    ["Enter", take],
    ["1 – 9", give],
    ["a letter, or r", "choose a label by typing its beginning, then Enter"],
    ["d", "drop the row"],
    ["u", "undo the last decision, or that of this row"],
    ["↓ ↑, j", "next and previous row"],
    ["Page ↓ ↑", "next and previous page"],
    ["Space", "tick the row, to decide several at once"],
    ["?", "show these keys"],
  ];
  const list = el("dl", { class: "em-keys" }, ...keys.map(([key, what]) => el("div", {}, el("dt", {}, el("kbd", {}, key)), el("dd", {}, what))));
  const numbers = el("p", { class: "em-key-classes" });
  classes.slice(0, 9).forEach(({ name, colour }, i) => numbers.append(el("span", {}, el("kbd", {}, `${i + 1}`), " ", className(name, colour)), " "));
  open(root, "Keys", list, numbers);
}

// ``store`` saves each change as it is made.
export function openClasses(root, store) {
  const body = el("div", { class: "em-classes" });
  const dialog = open(
    root,
    "What the labels mean",
    el("p", { class: "em-quiet em-small" }, "One sentence for each label helps to decide alike. A new name renames the label in all rows; the name of another label merges the two."),
    body,
  );
  if (store.data.columns.length) body.before(fromColumn(store));
  const error = el("p", { class: "em-label-error", role: "alert" });
  const draw = () => {
    if (!dialog.isConnected) return;
    error.textContent = store.error;
    const { activeElement } = document;
    // An answer to an earlier change must not take away what is being typed; leaving the field saves it and draws again.
    if (body.contains(activeElement) && activeElement.matches("input") && activeElement.value !== activeElement.defaultValue) return;
    const focused = body.contains(activeElement) ? activeElement.getAttribute("aria-label") : null;
    // What is marked in a field is what typing replaces.
    const { selectionStart, selectionEnd } = activeElement;
    body.replaceChildren(...store.data.classes.map((entry) => classRow(entry, store)), newClass(store), error);
    const field = focused && [...body.querySelectorAll("input, button")].find((input) => input.getAttribute("aria-label") === focused);
    field?.focus();
    if (field?.matches("input")) field.setSelectionRange(selectionStart, selectionEnd);
  };
  dialog.redraw = draw;
  draw();
  return dialog;
}

// A column of the file may say what the labels mean.
function fromColumn(store) {
  const choices = store.data.columns.map(([number, name]) => el("option", { value: number }, name));
  const select = el("select", { class: "em-label-filter", dir: "auto" }, el("option", { value: "" }, "choose a column"), ...choices);
  select.addEventListener("change", () => select.value && store.changeClass("define-from", select.value));
  return el("label", { class: "em-from-column em-small" }, "Take what they mean from the file:", select);
}

function classRow({ name, colour, definition, merged, renamed }, store) {
  const save = (event, action, before) => {
    const value = event.target.value.trim();
    if (value !== before && (value || action === "define")) store.changeClass(action, name, value);
  };
  const enter = (event) => event.key === "Enter" && !event.isComposing && event.target.blur();
  const field = (attributes) => el("input", { type: "text", dir: "auto", autocomplete: "off", onkeydown: enter, ...attributes });
  const restore = merged.map((original) =>
    el("button", { type: "button", class: "em-link", onclick: () => store.changeClass("restore", original) }, renamed && merged.length === 1 ? `called ${original} in the file: restore` : `undo: ${original} is its own label`),
  );
  return el(
    "div",
    { class: "em-class-row" },
    dot(colour),
    field({ value: name, maxlength: 200, "aria-label": `Name of ${name}`, onchange: (event) => save(event, "rename", name) }),
    field({ value: definition, maxlength: 500, placeholder: "what it means", "aria-label": `What ${name} means`, onchange: (event) => save(event, "define", definition) }),
    restore.length ? el("div", { class: "em-class-restore" }, ...restore) : "",
  );
}

function newClass(store) {
  const input = el("input", { type: "text", dir: "auto", maxlength: 200, autocomplete: "off", placeholder: "another label", "aria-label": "Name of a new label" });
  const add = () => {
    const name = input.value.trim();
    input.value = "";
    if (name) store.changeClass("add", name);
  };
  input.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && add());
  return el("div", { class: "em-class-new" }, input, el("button", { type: "button", class: "em-button", onclick: add }, "Add a label"));
}
