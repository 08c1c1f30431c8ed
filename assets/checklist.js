// The js_on_load body of a checklist: hands a press of one of its buttons to the page as a click with {action, code}.
// It decides nothing. In scope (gradio): element, trigger, watch.

let pressed = false;

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (!button || pressed) return;
  pressed = true;
  button.setAttribute("aria-busy", "true");
  trigger("click", { action: button.dataset.do, code: button.dataset.code });
});

// The pressed button is gone with the next list; whoever works by keyboard goes on from its head.
watch("value", () => {
  if (pressed) element.querySelector("h3")?.focus({ preventScroll: true });
  pressed = false;
});
