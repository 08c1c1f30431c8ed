// The js_on_load body of the sheet with a question: draws props.value, leads the focus into it and back to where it was, and hands a press to
// the page as a click with {action, code, value}, where value is what was typed. It decides nothing. In scope (gradio): element, trigger,
// props, watch. Template: <div class="em-sheet"></div>.

const sheet = element.querySelector(".em-sheet");
let shown = "";
let before = null;
let answered = "";

function draw() {
  const html = props.value ?? "";
  if (html === shown) return;
  const { activeElement } = document;
  const inside = sheet.contains(activeElement);
  if (html && !inside) before = activeElement;
  const typed = sheet.querySelector("input")?.value;
  sheet.innerHTML = shown = html;
  const field = sheet.querySelector("input");
  if (html) {
    // A mistake leaves what was typed; else what stands there is typed over at once.
    if (field && typed !== undefined && sheet.querySelector("[role=alert]")) field.value = typed;
    (field ?? [...sheet.querySelectorAll("button")].at(-1))?.focus({ preventScroll: true });
    field?.select();
  } else if (inside || document.activeElement === document.body) back();
}

// To what was pressed, or where that is gone, as after a deletion, to the list.
function back() {
  const there = answered !== "confirm-delete" && before?.isConnected && before.getClientRects().length && !before.disabled ? before : null;
  const list = document.querySelector("#runs-list");
  (there ?? list?.querySelector("input:checked") ?? list?.querySelector("input"))?.focus({ preventScroll: true });
}

sheet.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button || button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  answered = button.dataset.action;
  document.dispatchEvent(new CustomEvent("emotune:pressed", { detail: { ...button.dataset } }));
  const value = sheet.querySelector("input")?.value ?? "";
  trigger("click", { action: button.dataset.action, code: button.dataset.code ?? "", value });
});

document.addEventListener("emotune:response", () => {
  for (const button of sheet.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

sheet.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
  event.preventDefault();
  sheet.querySelector("button[data-action]")?.click();
});

watch("value", draw);
draw();
