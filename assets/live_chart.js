// A placeholder of a chart: loads chart.js once there is a figure and the placeholder is visible. Fetched once for all charts; gradio's
// component variables are the arguments of mount. Template: live_chart.py.

export function mount({ element, props, trigger, watch }) {
  const container = element.querySelector(".chart");
  let started = false;

  function start() {
    if (!element.isConnected) observer.disconnect();
    if (started || !props.value || !container.clientWidth) return;
    started = true;
    observer.disconnect();
    import("./chart.js").then(
      ({ mount }) => mount({ element, props, trigger, watch }),
      () => (container.textContent = "The chart could not be loaded because the server did not answer. Reload the page."),
    );
  }

  const observer = new ResizeObserver(start);
  observer.observe(element);
  watch("value", start);
  start();
}
