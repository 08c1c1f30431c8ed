// HTML with a table: renders props.value, and saves the rows (JSON) in a button's data-csv as a CSV. Gradio's component variables are the
// arguments of mount. Template: <div class="em-with-table"></div>.

import { csvOfRows, save } from "./chart_table.js";

export function mount({ element, props, watch }) {
  const box = element.querySelector(".em-with-table");
  let rendered = "";

  box.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-csv]");
    if (button) save(csvOfRows(JSON.parse(button.dataset.csv)), "text/csv", `${button.dataset.file ?? "table"}.csv`);
  });

  function render() {
    if (props.value === rendered) return;
    box.innerHTML = rendered = props.value ?? "";
  }

  watch("value", render);
  render();
}
