// A connection to AimX 3.0 over WebSocket that comes back by itself.
import { backoff } from "./model.js";

const silence = 30_000; // ms without a frame before a ping
const patience = 10_000; // ms to wait for an answer

export class Connection {
  #url; #topics; #on; #socket; #attempt = 0; #retry; #watchdog; #next = 1;
  #calls = new Map(); #subs = new Map();

  // on has state(name), up(), value(topic, data, live), where
  // live is false for what was there before, and gap(topic, n): n values of the
  // topic's subscription were lost on their way here.
  constructor(url, topics, on) {
    this.#url = url;
    this.#topics = topics;
    this.#on = on;
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.hidden || this.#now());
    this.#dial();
  }

  // call answers with the result of a method, and fails when the connection
  // does.
  call(method, params) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return reject(new Error("not connected"));
      const timer = setTimeout(() => this.#settle(id, { err: "timeout" }), 3 * patience);
      this.#calls.set(id, { resolve, reject, timer });
      this.#send({ t: "req", id, method, params });
    });
  }

  #send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #dial() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#watch(patience, () => socket.close());
    socket.onopen = () => {
      this.#attempt = 0;
      this.#subs.clear();
      // Subscribed first and asked second: what is written in between comes
      // twice rather than never.
      for (const topic of this.#topics) {
        const id = this.#next++;
        this.#subs.set(String(id), { topic, seq: 0 });
        this.#send({ t: "sub", id, topic });
      }
      this.#on.state("up");
      this.#on.up();
      this.#listen(socket);
    };
    socket.onmessage = (message) => {
      this.#listen(socket);
      this.#take(message.data);
    };
    socket.onclose = () => this.#lost(socket);
  }

  // listen pings after a silence, and gives up without an answer.
  #listen(socket) {
    this.#watch(silence, () => {
      this.#send({ t: "ping" });
      this.#watch(patience, () => {
        socket.close();
        this.#lost(socket); // a dead network does not complete the closing
      });
    });
  }

  #watch(ms, act) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(act, ms);
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    clearTimeout(this.#watchdog);
    for (const id of [...this.#calls.keys()]) this.#settle(id, { err: "connection lost" });
    this.#on.state("lost");
    this.#retry = setTimeout(() => this.#dial(), backoff(this.#attempt++));
  }

  // now does not wait for the next attempt.
  #now() {
    if (!this.#socket) this.#dial();
  }

  #take(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // a frame that is none is skipped, says the protocol
    }
    switch (frame?.t) {
      case "reply":
        return this.#settle(frame.id, frame);
      case "snap":
      case "event": {
        const sub = this.#subs.get(frame.sub);
        if (!sub) return;
        const lost = frame.seq - sub.seq - 1;
        sub.seq = Math.max(sub.seq, frame.seq);
        this.#on.value(frame.topic ?? sub.topic, frame.data, frame.t === "event");
        if (lost > 0) this.#on.gap(sub.topic, lost);
      }
    }
  }

  #settle(id, { ok, err }) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    if (ok !== undefined) call.resolve(ok);
    else call.reject(new Error(err ?? "empty answer"));
  }
}
