// A connection to AimX 3.0 over WebSocket that reconnects by itself.
import { backoff } from "./model.js";

const silence = 30_000; // ms without a frame before a ping
const patience = 10_000; // ms to wait for an answer

export class Connection {
  #url; #topics; #on; #socket; #attempt = 0; #retry; #watchdog; #next = 1;
  #calls = new Map(); #subs = new Map();

  // on has state(name), up(), value(topic, data, live), where
  // live is false for a snapshot, and gap(topic, n): n values of the topic's
  // subscription were lost before they arrived.
  constructor(url, topics, on) {
    this.#url = url;
    this.#topics = topics;
    this.#on = on;
    addEventListener("online", () => this.#now());
    document.addEventListener("visibilitychange", () => document.hidden || this.#now());
    this.#dial();
  }

  // call resolves to the result of a method. It rejects if the connection is lost.
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
      // The subscription comes before the query: a value written in between
      // arrives twice and cannot be missed.
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

  // listen pings after a silence, and closes the connection without an answer.
  #listen(socket) {
    this.#watch(silence, () => {
      this.#send({ t: "ping" });
      this.#watch(patience, () => {
        socket.close();
        this.#lost(socket); // without a network the close handshake does not end
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

  // now connects without waiting for the next attempt.
  #now() {
    if (!this.#socket) this.#dial();
  }

  #take(text) {
    let frame;
    try {
      frame = JSON.parse(text);
    } catch {
      return; // the protocol says to skip a malformed frame
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
