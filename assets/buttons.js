// HTML with buttons, lists and fields: renders props.value, and a press of a button with data-action, a choice from a list with one, or another value
// in a field with one, triggers a click event with {action, code}; the code of a choice is its value, behind the list's data-prefix if it has one. A press anywhere on a row with
// data-open presses the button of that name in it. Fetched once for all components; gradio's component variables are the arguments of mount. Template: <div class="em-with-buttons"></div>.

const CHOSEN_AFTER = 300; // milliseconds after which an option counts as chosen: the arrow keys pass over others on their way
const RELEASE_AFTER = 8000; // milliseconds until a button that changed nothing here can be pressed again

// Identifies a details element across updates.
const detailsKey = (details) => {
  const summary = details.querySelector(":scope > summary");
  return summary?.getAttribute("aria-label") ?? summary?.textContent;
};

// Replaces only what differs: a button that is replaced each second could not be pressed.
function patch(target, source) {
  const [oldNodes, newNodes] = [[...target.childNodes], [...source.childNodes]];
  if (oldNodes.length !== newNodes.length || oldNodes.some((node, i) => node.nodeName !== newNodes[i].nodeName))
    return target.replaceChildren(...newNodes);
  oldNodes.forEach((node, i) => {
    const newNode = newNodes[i];
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.nodeValue !== newNode.nodeValue) node.nodeValue = newNode.nodeValue;
      return;
    }
    if (node.nodeName === "DETAILS" && detailsKey(node) !== detailsKey(newNode)) return node.replaceWith(newNode);
    // The user may have opened or hidden something.
    for (const { name } of [...node.attributes]) if (!newNode.hasAttribute(name) && !["open", "hidden"].includes(name)) node.removeAttribute(name);
    const changed = [...newNode.attributes].filter(({ name, value }) => node.getAttribute(name) !== value);
    for (const { name, value } of changed) node.setAttribute(name, value);
    // What was typed hides the attribute; what is being typed stays.
    if (node.matches("input[data-action]") && changed.length && (node !== document.activeElement || node.value === node.sent))
      node.value = node.getAttribute("value");
    patch(node, newNode);
  });
}

export function mount({ element, props, trigger, watch }) {
  const box = element.querySelector(".em-with-buttons");
  let rendered = "";
  let pressed = null;
  let chosen = 0;

  // Keyboard users keep the focus on the same button, or on the heading if that is gone.
  function render() {
    release();
    const html = props.value ?? "";
    if (html === rendered) return;
    const { activeElement } = document;
    const focused = box.contains(activeElement) ? activeElement : null;
    const open = new Set([...box.querySelectorAll("details[open]")].map(detailsKey));
    const template = document.createElement("template");
    template.innerHTML = rendered = html;
    patch(box, template.content);
    for (const details of box.querySelectorAll("details")) if (open.has(detailsKey(details))) details.open = true;
    // What the user chose hides the attribute of the option that is selected now.
    for (const option of box.querySelectorAll("option[selected]")) option.selected = true;
    if (!focused || document.activeElement === focused) return;
    const { action, code } = focused.dataset;
    const same = [...box.querySelectorAll("button[data-action]")].find((button) => button.dataset.action === action && button.dataset.code === code);
    (same ?? box.querySelector("[tabindex='-1']"))?.focus({ preventScroll: true });
  }

  box.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]") ?? openButton(event.target);
    if (!button || pressed || button.disabled) return;
    pressed = button;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => pressed === button && release(), RELEASE_AFTER);
    document.dispatchEvent(new CustomEvent("emotune:pressed", { detail: { ...button.dataset } }));
    trigger("click", { action: button.dataset.action, code: button.dataset.code ?? "" });
  });

  // A click in a row, but not one that ends the selection of a text.
  function openButton(target) {
    if (!getSelection().isCollapsed) return null;
    return target.closest("tr[data-open]")?.querySelector("button[data-action='row']") ?? null;
  }

  // Rows are one stop of the Tab key; arrow keys move between them.
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const buttons = [...box.querySelectorAll("button.em-row-open")];
    const at = step ? buttons.indexOf(event.target) : -1;
    if (at < 0) return;
    event.preventDefault();
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus();
  });

  box.addEventListener("change", (event) => {
    const field = event.target.closest("input[data-action]");
    if (field) {
      field.sent = field.value;
      return trigger("click", { action: field.dataset.action, code: field.value });
    }
    const list = event.target.closest("select[data-action]");
    if (!list) return;
    clearTimeout(chosen);
    const code = `${list.dataset.prefix ?? ""}${list.value}`;
    chosen = setTimeout(() => trigger("click", { action: list.dataset.action, code }), CHOSEN_AFTER);
  });

  function release() {
    pressed?.removeAttribute("aria-busy");
    pressed = null;
  }

  // Not every response is rendered here.
  document.addEventListener("emotune:response", release);

  // A button that led to another tab can be pressed again when the user comes back.
  new ResizeObserver(() => box.clientWidth || release()).observe(box);

  watch("value", render);
  render();
}
