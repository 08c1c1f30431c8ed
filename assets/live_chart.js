// The js_on_load body of a gr.HTML chart: fetches chart.js once there is a figure to be drawn in a place that is shown, and leaves the rest
// to it. In scope (gradio): element, trigger, props, watch. Template: live_chart.py.

const place = element.querySelector(".chart");
let begun = false;

function begin() {
  if (!element.isConnected) shown.disconnect();
  if (begun || !props.value || !place.clientWidth) return;
  begun = true;
  shown.disconnect();
  import(new URL(place.dataset.script, document.baseURI)).then(
    ({ mount }) => mount({ element, props, trigger, watch }),
    () => (place.textContent = "The chart could not be loaded, as the server did not answer. Reload the page."),
  );
}

const shown = new ResizeObserver(begin);
shown.observe(element);
watch("value", begin);
begin();
