// The js_on_load body of the dialog with a question: renders props.value, moves the focus into it and back, and triggers a click event with
// {action, code, value}, where value is the typed text. In scope (gradio): element, trigger,
// props, watch. Template: <div class="em-dialog"></div>.

const dialog = element.querySelector(".em-dialog");
let rendered = "";
let previousFocus = null;
let lastAction = "";

function render() {
  const html = props.value ?? "";
  if (html === rendered) return;
  const { activeElement } = document;
  const hasFocus = dialog.contains(activeElement);
  if (html && !hasFocus) previousFocus = activeElement;
  const typed = dialog.querySelector("input")?.value;
  dialog.innerHTML = rendered = html;
  const field = dialog.querySelector("input");
  if (html) {
    // An error keeps the typed text; otherwise the initial value is selected, so that typing replaces it.
    if (field && typed !== undefined && dialog.querySelector("[role=alert]")) field.value = typed;
    (field ?? [...dialog.querySelectorAll("button")].at(-1))?.focus({ preventScroll: true });
    field?.select();
  } else if (hasFocus || document.activeElement === document.body) restoreFocus();
}

// To the button that opened the dialog, or to the list if that is gone, for instance after a deletion.
function restoreFocus() {
  const visible = previousFocus?.isConnected && previousFocus.getClientRects().length && !previousFocus.disabled;
  const target = lastAction !== "confirm-delete" && visible ? previousFocus : null;
  const list = document.querySelector("#runs-list");
  (target ?? list?.querySelector("input:checked") ?? list?.querySelector("input"))?.focus({ preventScroll: true });
}

dialog.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button || button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  lastAction = button.dataset.action;
  document.dispatchEvent(new CustomEvent("emotune:pressed", { detail: { ...button.dataset } }));
  const value = dialog.querySelector("input")?.value ?? "";
  trigger("click", { action: button.dataset.action, code: button.dataset.code ?? "", value });
});

document.addEventListener("emotune:response", () => {
  for (const button of dialog.querySelectorAll("[aria-busy]")) button.removeAttribute("aria-busy");
});

dialog.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName !== "INPUT" || event.isComposing) return;
  event.preventDefault();
  dialog.querySelector("button[data-action]")?.click();
});

watch("value", render);
render();
