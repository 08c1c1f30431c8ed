// The js_on_load body of a checklist: hands a press of one of its buttons to the page as a click with {action, code}.
// It decides nothing. In scope (gradio): element, trigger, watch.

const PATIENCE = 8000; // milliseconds after which a press that was refused may be tried again

let pressed = null;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button || pressed) return;
  pressed = button;
  button.setAttribute("aria-busy", "true");
  setTimeout(() => pressed === button && release(), PATIENCE);
  trigger("click", { action: button.dataset.do, code: button.dataset.code });
});

function release() {
  pressed?.removeAttribute("aria-busy");
  pressed = null;
}

// The pressed button is gone with the next list; whoever works by keyboard goes on from its head.
watch("value", () => {
  if (pressed) element.querySelector("h3")?.focus({ preventScroll: true });
  release();
});
