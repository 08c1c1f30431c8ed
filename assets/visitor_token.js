// In a frame of another site a browser may refuse the cookie that says who is visiting. Then the page sends a token of its own with each request, in
// a header, and fetches what a link downloads. It is kept as long as the browser lets it: for the session, or until the page is left.

(() => {
  if (window.top === window) return;
  const { fetch } = window;
  const HEADER = "x-emotune-visitor", KEY = "emotune-visitor";
  const token = fetch("visitor")
    .then((response) => response.json())
    .then(({ known }) => (known ? "" : ownToken()))
    .catch(() => "");

  window.fetch = async (resource, options = {}) => {
    const url = new URL(resource.url ?? resource, location.href);
    const sent = url.origin === location.origin ? await token : "";
    if (!sent) return fetch(resource, options);
    const headers = new Headers(options.headers ?? resource.headers);
    headers.set(HEADER, sent);
    return fetch(resource, { ...options, headers });
  };

  document.addEventListener(
    "click",
    (event) => {
      const link = event.target.closest?.("a[download]");
      if (!link || link.protocol === "blob:" || link.origin !== location.origin) return;
      event.preventDefault();
      download(link.href);
    },
    true,
  );

  async function download(address) {
    const response = await window.fetch(address);
    if (!response.ok) return;
    const named = /filename\*?=(?:UTF-8'')?"?([^";]+)/i.exec(response.headers.get("content-disposition") ?? "");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = named ? decodeURIComponent(named[1]) : "";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  }

  function ownToken() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    let own = btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
    try {
      own = sessionStorage.getItem(KEY) ?? own;
      sessionStorage.setItem(KEY, own);
    } catch {
      // Storage is refused too.
    }
    return own;
  }
})();
