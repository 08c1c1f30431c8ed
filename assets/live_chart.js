// A chart in its place: fetches chart.js once there is a figure to be drawn and the place is shown, and leaves the rest to it. Fetched once for
// all of them; mount takes what gradio gives a component. Template: live_chart.py.

export function mount({ element, props, trigger, watch }) {
  const place = element.querySelector(".chart");
  let begun = false;

  function begin() {
    if (!element.isConnected) shown.disconnect();
    if (begun || !props.value || !place.clientWidth) return;
    begun = true;
    shown.disconnect();
    import("./chart.js").then(
      ({ mount }) => mount({ element, props, trigger, watch }),
      () => (place.textContent = "The chart could not be loaded, as the server did not answer. Reload the page."),
    );
  }

  const shown = new ResizeObserver(begin);
  shown.observe(element);
  watch("value", begin);
  begin();
}
