// What the server knows of the decisions on labels, and what is on its way there. One event is sent at a time, in order; what gets no answer is
// sent again, and until then the page says that it is not saved. Draws nothing.

const ANSWER_AFTER = 12_000; // milliseconds until an event without an answer is sent again
const MAX_ROWS = 400; // in one event
const UNSAVED = "emotune-unsaved-labels"; // survives a reload of this window: gradio reloads the page once a server has been restarted

export class LabelStore {
  #trigger;
  #changed;
  #waiting = [];
  #pending = new Map(); // the event of each row that is waiting or sent, the last one
  #sent = null;
  #number = Date.now(); // greater than any number before a reload
  #timer = 0;
  data = null;
  error = "";

  constructor(trigger, changed) {
    this.#trigger = trigger;
    this.#changed = changed;
    document.addEventListener("emotune:labels-saved", ({ detail }) => this.#receive(JSON.parse(detail)));
  }

  load(json) {
    this.data = json ? JSON.parse(json) : null;
    const { draft, events } = JSON.parse(sessionStorage.getItem(UNSAVED) ?? "{}");
    if (!this.data || draft !== this.data.draft || this.#sent || this.#waiting.length) return;
    for (const event of events) this.#enqueue(event);
    // Once the view is drawn.
    setTimeout(() => this.#send());
  }

  // What counts for a row: what was saved, and over it what is on its way. {action, label, saving} or null.
  decision(key) {
    const event = this.#pending.get(key);
    if (event) return event.action === "undo" ? null : { action: event.action, label: event.label, saving: true };
    const saved = this.data.decisions[key];
    return saved ? { action: saved[0], label: saved[1], saving: false } : null;
  }

  // action: keep, relabel, drop or undo.
  decide(keys, action, label = "") {
    this.decideAll([[keys, action, label]]);
  }

  // Several of these at once: lists of keys, action and label.
  decideAll(decisions) {
    for (const [keys, action, label] of decisions) {
      for (let at = 0; at < keys.length; at += MAX_ROWS) {
        this.#enqueue({ action, rows: keys.slice(at, at + MAX_ROWS), label });
      }
    }
    this.#send();
  }

  #enqueue(event) {
    this.#waiting.push(event);
    for (const key of event.rows ?? []) this.#pending.set(key, event);
  }

  // action: rename, restore, add or define, of a class; define-from, of the column with this number.
  changeClass(action, name, text = "") {
    this.#enqueue({ action, name, label: text });
    this.#send();
  }

  #send() {
    const events = [this.#sent, ...this.#waiting].filter(Boolean);
    if (events.length) sessionStorage.setItem(UNSAVED, JSON.stringify({ draft: this.data.draft, events }));
    else sessionStorage.removeItem(UNSAVED);
    if (!this.#sent && this.#waiting.length) {
      this.#sent = this.#waiting.shift();
      this.#number += 1;
      this.#again();
    }
    this.#changed();
  }

  #again() {
    const { action, rows, name, label } = this.#sent;
    this.#trigger("click", { action: "labels", code: JSON.stringify({ number: this.#number, draft: this.data.draft, version: this.data.version, action, rows, name }), value: label });
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.error = "Not saved yet: the server does not answer. Emotune goes on trying; leave this page open.";
      this.#changed();
      this.#again();
    }, ANSWER_AFTER);
  }

  // {number, draft, error, all, decisions, classes, names}: an answer to an event, or, with number 0, news from another window.
  #receive(saved) {
    if (!this.data || saved.draft !== this.data.draft) return;
    if (saved.number && saved.number === this.#number && this.#sent) {
      clearTimeout(this.#timer);
      this.error = saved.error;
      for (const key of this.#sent.rows ?? []) if (this.#pending.get(key) === this.#sent) this.#pending.delete(key);
      this.#sent = null;
    }
    if (saved.decisions) {
      const before = saved.all ? {} : this.data.decisions;
      this.data.decisions = { ...before, ...saved.decisions };
      for (const key of saved.undecided ?? []) delete this.data.decisions[key];
    }
    if (saved.classes) Object.assign(this.data, { classes: saved.classes, names: saved.names });
    this.#send();
  }
}
