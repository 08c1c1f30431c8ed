// Browsers load no modules from a folder, so page.js cannot say this.
if (location.protocol === "file:") {
  addEventListener("DOMContentLoaded", () => {
    document.getElementById("status").textContent =
      "A browser does not open this page from a folder. Put it on any web server, or run here: python -m http.server, and open http://localhost:8000";
  });
}
