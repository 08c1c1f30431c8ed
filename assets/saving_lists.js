// Lists whose choice is saved (select[data-saves]): where the arrow keys change a closed list, each option on their way would be saved. Such a
// choice counts once Enter is pressed or the focus leaves the list; Escape takes it back. A choice with the mouse, by touch or in the open list
// counts at once. What the components hear is the event "change", here only of choices that count.

(() => {
  const OPENS = new Set(["Enter", " "]); // the last key of a choice in the open list
  let lastKey = ""; // since the focus came to the list, or the mouse was last pressed on it
  let passed = null; // the list on which keys have chosen something that does not count yet

  const saving = (target) => (target instanceof Element ? target.closest("select[data-saves]") : null);

  function count(list) {
    if (passed !== list) return;
    passed = null;
    if (list.isConnected) list.dispatchEvent(new CustomEvent("change", { bubbles: true, detail: "counts" }));
  }

  document.addEventListener("focusin", ({ target }) => saving(target) && (lastKey = ""));
  document.addEventListener("pointerdown", ({ target }) => saving(target) && (lastKey = ""), true);

  document.addEventListener(
    "keydown",
    ({ key, target }) => {
      const list = saving(target);
      if (!list) return;
      lastKey = key;
      if (key === "Enter") count(list);
      if (key === "Escape" && passed === list) {
        passed = null;
        list.value = "";
      }
    },
    true,
  );

  document.addEventListener(
    "change",
    (event) => {
      const list = saving(event.target);
      if (!list || event.detail === "counts") return;
      passed = null;
      if (!lastKey || OPENS.has(lastKey)) return;
      passed = list;
      event.stopImmediatePropagation();
    },
    true,
  );

  // Another window may have the focus for a while: that is no choice.
  document.addEventListener("focusout", ({ target }) => {
    const list = saving(target);
    if (list && document.hasFocus()) count(list);
  });
})();
