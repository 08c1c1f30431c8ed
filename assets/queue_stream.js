// No answer is lost. When the server has sent all answers it knows of, it says "close_stream", and gradio stops listening. A press that is on its
// way at that moment is taken for one that is listened for, and would wait for ever: so the end is kept from gradio while an answer is missing,
// and listened on for it.

(() => {
  const ask = window.fetch;
  let asking = 0;
  const missing = new Set();
  const early = new Set();

  window.fetch = (what, how) => {
    const path = new URL(what.url ?? what, location.href).pathname;
    if (path.endsWith("/queue/join")) return press(what, how);
    if (path.endsWith("/queue/data")) return listen(what, how);
    return ask(what, how);
  };

  async function press(what, how) {
    asking += 1;
    try {
      const answer = await ask(what, how);
      const { event_id } = answer.ok ? await answer.clone().json() : {};
      // An answer may overtake the word that the press has arrived.
      if (event_id && !early.delete(event_id)) missing.add(event_id);
      return answer;
    } finally {
      asking -= 1;
    }
  }

  async function listen(what, how) {
    const first = await ask(what, how);
    if (!first.ok || !first.body) return first;
    const bytes = new TextEncoder();
    const heard = messages(first, () => ask(what, how));
    const body = new ReadableStream({
      async pull(controller) {
        const { value, done } = await heard.next();
        if (done) controller.close();
        else controller.enqueue(bytes.encode(value));
      },
      cancel: () => heard.return(),
    });
    return new Response(body, { status: first.status, headers: first.headers });
  }

  async function* messages(stream, again) {
    for (;;) {
      let closed = "";
      for await (const message of parts(stream.body)) {
        const { msg, event_id } = JSON.parse(message.slice("data:".length));
        if (msg === "process_completed" && !missing.delete(event_id)) early.add(event_id);
        if (msg === "close_stream") closed = message;
        else yield message;
      }
      if (!closed || (!asking && !missing.size)) {
        yield closed;
        return;
      }
      stream = await again();
    }
  }

  async function* parts(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        const whole = (text + read.value).split("\n\n");
        text = whole.pop();
        for (const message of whole) yield `${message}\n\n`;
      }
    } finally {
      reader.cancel().catch(() => {});
    }
  }
})();
