// A piece of HTML with buttons: draws props.value and hands a press of a button with data-action to the page, as a click with {action, code}. It
// decides nothing. Fetched once for all of them; mount takes what gradio gives a component. Template: <div class="em-with-buttons"></div>.

const PATIENCE = 8000; // milliseconds after which a press that changed nothing here may be tried again

// By what one knows a fold again when it is drawn anew.
const called = (fold) => {
  const summary = fold.querySelector(":scope > summary");
  return summary?.getAttribute("aria-label") ?? summary?.textContent;
};

// Only what differs is replaced: a button that is drawn anew each second could not be pressed.
function patch(from, to) {
  const [old, fresh] = [[...from.childNodes], [...to.childNodes]];
  if (old.length !== fresh.length || old.some((node, at) => node.nodeName !== fresh[at].nodeName)) return from.replaceChildren(...fresh);
  old.forEach((node, at) => {
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.nodeValue !== fresh[at].nodeValue) node.nodeValue = fresh[at].nodeValue;
      return;
    }
    if (node.nodeName === "DETAILS" && called(node) !== called(fresh[at])) return node.replaceWith(fresh[at]);
    // What is open or hidden is so by what somebody did here.
    for (const { name } of [...node.attributes]) if (!fresh[at].hasAttribute(name) && !["open", "hidden"].includes(name)) node.removeAttribute(name);
    for (const { name, value } of fresh[at].attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
    patch(node, fresh[at]);
  });
}

export function mount({ element, props, trigger, watch }) {
  const box = element.querySelector(".em-with-buttons");
  let shown = "";
  let pressed = null;

  // Whoever works by keyboard goes on from the same button, or from the heading where that is gone.
  function draw() {
    release();
    const html = props.value ?? "";
    if (html === shown) return;
    const { activeElement } = document;
    const inside = box.contains(activeElement) ? activeElement : null;
    const open = new Set([...box.querySelectorAll("details[open]")].map(called));
    const made = document.createElement("template");
    made.innerHTML = shown = html;
    patch(box, made.content);
    for (const fold of box.querySelectorAll("details")) if (open.has(called(fold))) fold.open = true;
    if (!inside || document.activeElement === inside) return;
    const { action, code } = inside.dataset;
    const again = [...box.querySelectorAll("button[data-action]")].find((button) => button.dataset.action === action && button.dataset.code === code);
    (again ?? box.querySelector("[tabindex='-1']"))?.focus({ preventScroll: true });
  }

  box.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button || pressed || button.disabled) return;
    pressed = button;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => pressed === button && release(), PATIENCE);
    document.dispatchEvent(new CustomEvent("emotune:pressed", { detail: { ...button.dataset } }));
    trigger("click", { action: button.dataset.action, code: button.dataset.code ?? "" });
  });

  function release() {
    pressed?.removeAttribute("aria-busy");
    pressed = null;
  }

  // Not every answer is drawn here.
  document.addEventListener("emotune:response", release);

  // A press that led to another tab has been answered: who comes back may press again.
  new ResizeObserver(() => box.clientWidth || release()).observe(box);

  watch("value", draw);
  draw();
}
