// Keeps the stream of queue results open while a result is missing. When the server has sent all results that it knows of, it sends
// "close_stream", and gradio stops listening. A request that is on its way at that moment would never get its result, since gradio believes that
// the stream is still open for it. So this script holds "close_stream" back while a result is missing, and opens the stream again.

(() => {
  const { fetch } = window;
  let joining = 0;
  const pending = new Set();
  const completedEarly = new Set();

  window.fetch = (resource, options) => {
    const path = new URL(resource.url ?? resource, location.href).pathname;
    if (path.endsWith("/queue/join")) return join(resource, options);
    if (path.endsWith("/queue/data")) return listen(resource, options);
    return fetch(resource, options);
  };

  async function join(resource, options) {
    joining += 1;
    try {
      const response = await fetch(resource, options);
      const { event_id } = response.ok ? await response.clone().json() : {};
      // The result may arrive before this response.
      if (event_id && !completedEarly.delete(event_id)) pending.add(event_id);
      return response;
    } finally {
      joining -= 1;
    }
  }

  async function listen(resource, options) {
    const response = await fetch(resource, options);
    if (!response.ok || !response.body) return response;
    const encoder = new TextEncoder();
    const stream = messages(response, () => fetch(resource, options));
    const body = new ReadableStream({
      async pull(controller) {
        const { value, done } = await stream.next();
        if (done) controller.close();
        else controller.enqueue(encoder.encode(value));
      },
      cancel: () => stream.return(),
    });
    return new Response(body, { status: response.status, headers: response.headers });
  }

  async function* messages(response, reconnect) {
    for (;;) {
      let closeMessage = "";
      for await (const message of events(response.body)) {
        const { msg, event_id } = JSON.parse(message.slice("data:".length));
        if (msg === "process_completed" && !pending.delete(event_id)) completedEarly.add(event_id);
        if (msg === "close_stream") closeMessage = message;
        else yield message;
      }
      if (!closeMessage || (!joining && !pending.size)) {
        yield closeMessage;
        return;
      }
      response = await reconnect();
    }
  }

  async function* events(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const parts = (text + read.value).split("\n\n");
        text = parts.pop();
        for (const message of parts) yield `${message}\n\n`;
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }
})();
