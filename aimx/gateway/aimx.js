// @ts-check
// A client of AimX 3.0 for web pages: one file without dependencies, served at /aimx.js.
//
//   import { connect } from "/aimx.js";
//   const db = connect();
//   db.subscribe("temp::*", { from: Date.now() - 3600e3, onValue: (value, { record }) => console.log(record, value) });
//
// The first use opens the connection. If it is lost, it is opened again, after a random pause
// of 500 ms to 8 s. A subscription with from then continues after its last value, without a
// gap or a duplicate.
//
// Values are read with JSON.parse: integers beyond 2^53 lose digits. A record that needs
// them should hold strings.
//
// A page cannot stop reading a WebSocket. Handlers are called within the event of the
// message and nothing is queued here: while a handler runs, the browser reads only what its
// buffers take, and the server keeps the rest in its log. A handler that starts asynchronous
// work has to bound it, for example by close, and by another subscription from position.

/**
 * @typedef {{url?: string | URL, token?: string, onState?: (state: State, error?: Error) => void}} ConnectOptions
 *   token is one, or NAME:PASSWORD of a user. url is the WebSocket, by default /ws where this file comes from; onState is told of the connection.
 * @typedef {{record: string, time: number, value: any}} Row All times are Unix ms.
 * @typedef {{limit?: number, start?: number | Date, end?: number | Date, order?: "asc" | "desc",
 *   cursor?: string, bucket?: {width: number, path: string}}} QueryOptions limit is the number
 *   of newest rows of each record, by default 1, and of all rows of a page with cursor: "" for
 *   the first page, then next of the page before. With bucket, rows summarize a number in
 *   steps of width ms: at the path wind.gust, or /wind/gust as a JSON Pointer. Where the
 *   count of a row is 0, its min, max, mean, first and last are null.
 * @typedef {{record: string, live: boolean, time?: number, position?: string}} Update live is
 *   false for stored values and for those that records have at first. time and position are
 *   those of a subscription with from; another one with position as from continues after it.
 * @typedef {object} Loss What is missing before the next value.
 * @property {number} [count] Values of record; absent if that is not known.
 * @property {string} [record]
 * @property {object} [range] A range that is in neither log nor history.
 * @property {string} [reason] Why values are missing, or come again.
 * @property {number} [again] The log does not reach back to the last value: stored values from
 *   this time on come again, and then all that follow.
 * @typedef {"connecting" | "open" | "lost" | "closed"} State A lost connection is tried again.
 * @typedef {object} SubscribeOptions
 * @property {number | Date | string} [from] A time, 0 for the beginning, or a position, of
 *   records that persist. Without it, current values come, and then live ones.
 * @property {(value: any, update: Update) => void} [onValue]
 * @property {() => void} [onCaughtUp] What follows is live; after each connection.
 * @property {(loss: Loss) => void} [onLoss]
 * @property {(state: State, error?: Error) => void} [onState] A refusal closes a
 *   subscription with an error. It is reported as uncaught if there is no such handler.
 * @property {AbortSignal} [signal] Closes the subscription.
 * @typedef {{position?: string, state: State, close: () => void}} Subscription position is
 *   that of the last value: keep it to continue in another page.
 */

const silence = 30_000; // ms without a frame before a ping, and to wait for the answer to a call
const patience = 10_000; // ms to wait for a connection, and for the answer to a ping

/** A refusal by the server, or a connection that cannot be had. */
export class AimxError extends Error {
  constructor(/** @type {string} */ doing, /** @type {string} */ code, /** @type {string} */ reason = `the server answered ${code}`) {
    super(`${doing}: ${reason}`);
    this.name = "AimxError";
    this.reason = reason; // without what was done
    this.code = code; // not_found, denied, internal, version_mismatch, timeout, lost, closed
  }
}

/** pause returns how many ms to wait before the nth attempt to connect again. */
export const pause = (/** @type {number} */ attempt, random = Math.random) =>
  500 + random() * (Math.min(8000, 1000 * 2 ** Math.min(attempt, 10)) - 500);

/** connect returns a client. @param {ConnectOptions} [options] */
export const connect = (options) => new Client(options);

// ms returns the whole ms of a number or a Date, if there is one.
const ms = (/** @type {number | Date | undefined} */ time) => (time == null ? undefined : Math.floor(Number(time)));

class Client {
  #url; #token; #self; #socket; #open = false; #attempt = 0; #retry; #watch; #heard = 0; #pinged = 0;
  #next = 1; #calls = new Map(); #subs = new Map(); #ended; #refusals = 0; #listening = new AbortController();

  constructor(/** @type {ConnectOptions} */ { url = "ws", token, onState } = {}) {
    this.#url = new URL(url, import.meta.url);
    this.#url.protocol = this.#url.protocol.replace("http", "ws");
    this.#url.searchParams.set("v", "3.0");
    [this.#token, this.#self] = [token, { options: { onState } }];
    const now = () => this.#retry && this.#dial();
    const { signal } = this.#listening;
    addEventListener("online", now, { signal });
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || now(), { signal });
  }

  /** get returns the newest value of a record. @param {string} name @returns {Promise<any>} */
  get(name) { return this.call("record.get", { name }); }

  /** set stores a value in a writable record and returns it. @param {string} name @param {any} value */
  async set(name, value) { return (await this.call("record.set", { name, value })).value; }

  /** list describes the records. @param {string} [pattern] @returns {Promise<object[]>} */
  list(pattern) { return this.call("record.list", { pattern }); }

  /** query reads the history. @param {string} pattern @param {QueryOptions} [options] @returns {Promise<{rows: Row[], next?: string}>} */
  async query(pattern, { start, end, ...more } = {}) {
    const { records, next } = await this.call("record.query", { name: pattern, start: ms(start), end: ms(end), ...more });
    return { rows: records.map(({ topic, ts, payload }) => ({ record: topic, time: ts, value: payload })), next };
  }

  /**
   * call calls a method of the protocol. It waits for a connection. If that is lost, calls
   * are made again, except those that may have set or stored a value.
   * @param {string} method @param {{[name: string]: any}} [params] @returns {Promise<any>}
   */
  call(method, params) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = this.#next++;
      const why = () => (this.#open ? "there is no answer after 30 s; ask for less" : "the server cannot be reached; see whether it runs");
      const timer = setTimeout(() => this.#settle(id, { err: "timeout", msg: why() }), silence);
      const frame = { t: "req", id, method, params };
      this.#calls.set(id, { frame, resolve, reject, timer, sent: this.#open });
      this.#send(frame);
      if (!this.#retry) this.#dial();
    });
  }

  /** subscribe calls onValue with each value. @param {string} pattern @param {SubscribeOptions} [options] @returns {Subscription} */
  subscribe(pattern, options = {}) {
    const { from, signal } = options;
    const position = typeof from === "string" ? from : undefined;
    const time = typeof from === "string" ? undefined : ms(from);
    if (Number.isNaN(time)) throw new TypeError(`subscribe ${pattern}: from is ${from}; give a time or a position`);
    const sub = { pattern, options, position, time, state: /** @type {State} */ ("connecting"), id: 0, close: () => this.#become(sub, "closed") };
    if (this.#ended || signal?.aborted) this.#become(sub, "closed", this.#ended);
    else {
      signal?.addEventListener("abort", sub.close);
      this.#begin(sub);
      if (!this.#retry) this.#dial();
    }
    return sub;
  }

  /** close closes the connection and all subscriptions, and fails all calls. */
  close() { this.#end(new AimxError("call", "closed", "this page has closed the client")); }

  #send(frame) { if (this.#open) this.#socket.send(JSON.stringify(frame)); }

  // begin starts a subscription on this connection, after what came before.
  #begin(sub) {
    this.#subs.delete(sub.id);
    Object.assign(sub, { id: this.#next++, seq: 0, base: "", live: false });
    this.#subs.set(sub.id, sub);
    this.#send({ t: "sub", id: sub.id, topic: sub.pattern, from: sub.position ?? sub.time });
  }

  // become changes the state of a subscription. A closed one remains so.
  #become(sub, state, error) {
    if (sub.state === "closed" || (sub.state === state && !error)) return;
    sub.state = state;
    if (state === "closed") {
      sub.options.signal?.removeEventListener("abort", sub.close);
      if (this.#subs.delete(sub.id)) this.#send({ t: "unsub", sub: String(sub.id) });
      if (error && !sub.options.onState) reportError(error);
    }
    this.#tell(sub, "onState", state, error);
  }

  // tell calls a handler. Its errors must not end the connection.
  #tell(sub, handler, ...args) {
    try { sub.options[handler]?.(...args); } catch (err) { reportError(err); }
  }

  #dial() {
    if (this.#socket) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    try {
      this.#socket = new WebSocket(this.#url);
    } catch (err) { // the browser forbids it: a page with TLS needs wss, for example
      return this.#end(new AimxError(`connect to ${this.#url.host}`, "denied", err.message));
    }
    const socket = this.#socket;
    this.#heard = Date.now();
    this.#watch = setInterval(() => this.#check(socket), 2000);
    socket.onopen = () => socket === this.#socket && (this.#opened(), this.#tell(this.#self, "onState", "open"));
    socket.onclose = () => this.#lost(socket);
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      this.#heard = Date.now();
      this.#attempt = 0;
      try { this.#take(JSON.parse(data)); } catch { /* The protocol says to skip a malformed frame. */ }
    };
  }

  #opened() {
    [this.#open, this.#refusals] = [true, 0];
    if (this.#token) this.#send({ t: "req", id: 0, method: "hello", params: { version: "3.0", client: "aimx.js", auth_token: this.#token } });
    for (const sub of [...this.#subs.values()]) this.#begin(sub);
    for (const call of this.#calls.values()) this.#send(Object.assign(call, { sent: true }).frame);
  }

  // check pings after a silence, as a network that is gone causes no event. Timers of a
  // hidden page are late, so only a ping without an answer counts.
  #check(socket) {
    const now = Date.now();
    if (this.#open && now - this.#heard < silence) return;
    if (this.#open && this.#pinged <= this.#heard) {
      this.#pinged = now;
      this.#send({ t: "ping" });
    } else if (now - Math.max(this.#pinged, this.#heard) > patience) this.#lost(socket);
  }

  #lost(socket) {
    if (socket !== this.#socket) return;
    const refused = !this.#open;
    this.#drop(), this.#tell(this.#self, "onState", "lost");
    for (const [id, call] of this.#calls) {
      if (!call.sent || !["record.set", "deadletter.retry"].includes(call.frame.method)) continue;
      this.#settle(id, { err: "lost", msg: "the connection was lost before the answer; look whether it is done" });
    }
    if (this.#calls.size + this.#subs.size === 0) return;
    this.#retry = setTimeout(() => this.#dial(), pause(this.#attempt++));
    for (const sub of [...this.#subs.values()]) this.#become(sub, "lost");
    if (refused) this.#explain();
  }

  #drop() {
    clearInterval(this.#watch);
    this.#open = false;
    this.#socket?.close();
    this.#socket = undefined;
  }

  // explain finds out why a WebSocket is refused, which browsers do not tell. After one
  // refusal the server may just have started.
  async #explain() {
    const doing = `connect to ${this.#url.host}`;
    const answer = await fetch(new URL("version", this.#url.href.replace("ws", "http"))).then((r) => r.json()).catch(() => undefined);
    this.#refusals = answer?.aimx ? this.#refusals + 1 : 0;
    if (this.#refusals < 2 || this.#open || this.#ended) return;
    if (!/^3(\.|$)/.test(answer.aimx)) return this.#end(new AimxError(doing, "version_mismatch", `the server speaks AimX ${answer.aimx}; take aimx.js from that server`));
    const error = new AimxError(doing, "denied", `the server runs and refuses the WebSocket; add ${location.host} to its Origins, unless it has too many connections`);
    for (const sub of [...this.#subs.values()]) this.#become(sub, "lost", error);
  }

  // end gives up for good.
  #end(error) {
    if (this.#ended) return;
    this.#ended = error;
    clearTimeout(this.#retry);
    this.#listening.abort();
    this.#drop();
    for (const id of [...this.#calls.keys()]) this.#settle(id, error);
    for (const sub of [...this.#subs.values()]) this.#become(sub, "closed", error.code === "closed" ? undefined : error);
    this.#tell(this.#self, "onState", "closed", error);
  }

  #take(frame) {
    const { t, id, err, msg } = frame;
    const sub = this.#subs.get(t === "reply" ? id : Number(frame.sub));
    if (t === "reply" && id === 0) { // a WebSocket of upstream has no hello
      if (err && err !== "not_found") this.#end(new AimxError(`connect to ${this.#url.host}`, err, msg));
    } else if (t === "reply" && !sub) this.#settle(id, frame);
    else if (t === "reply" && err) this.#become(sub, "closed", new AimxError(`subscribe ${sub.pattern}`, err, msg));
    else if (sub) this.#deliver(sub, frame);
  }

  #deliver(sub, { t, follows, base, at, seq, topic, time, data, loss, msg }) {
    const follow = (sub.position ?? sub.time) !== undefined;
    if (t === "begin") sub.base = base;
    if (sub.base && at) sub.position = sub.base + at;
    if (t === "subscribed") {
      const unable = "this server cannot begin in the past; subscribe without from";
      if (follow && !follows) return this.#become(sub, "closed", new AimxError(`subscribe ${sub.pattern}`, "not_found", unable));
      if (sub.opened && !follow) this.#tell(sub, "onLoss", { reason: "the connection was lost; with from nothing is missed" });
      sub.opened = true;
      this.#become(sub, "open");
    } else if (t === "begin" && msg) {
      sub.live = false;
      this.#tell(sub, "onLoss", { reason: msg, again: time ?? 0 });
    } else if (t === "caught_up") {
      sub.live = true;
      this.#tell(sub, "onCaughtUp");
    } else if ((t === "snap" || t === "event") && Number.isInteger(seq)) {
      const record = topic ?? sub.pattern;
      const count = seq - sub.seq - 1;
      sub.seq = Math.max(sub.seq, seq);
      if (count > 0 || loss) this.#tell(sub, "onLoss", { count: Math.max(count, 0), record: count > 0 ? record : undefined, range: loss });
      const live = follow ? sub.live : t === "event";
      if (sub.state !== "closed") this.#tell(sub, "onValue", data ?? null, { record, time, position: follow ? sub.position : undefined, live });
    }
  }

  // settle ends a call with a reply, or with an error.
  #settle(id, answer) {
    const call = this.#calls.get(id);
    if (!call) return;
    this.#calls.delete(id);
    clearTimeout(call.timer);
    if (answer.ok !== undefined) return call.resolve(answer.ok);
    const doing = [call.frame.method, call.frame.params?.name].filter(Boolean).join(" ");
    call.reject(answer instanceof Error ? answer : new AimxError(doing, answer.err, answer.msg));
  }
}
