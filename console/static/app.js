// @ts-check
// The frame of the console: picks the page, keeps the connection, shows the state.
import { connect } from "../aimx.js";
import { h } from "./lib/dom.js";
import * as format from "./lib/format.js";
import { authorization, makeApi, root } from "./lib/api.js";

/**
 * @typedef {object} Context What a page is given.
 * @property {any} db The client of AimX.
 * @property {(path: string, init?: RequestInit) => Promise<Response>} api fetch below /api, with the token.
 * @property {{[name: string]: string}} params Those of the fragment; key is the rest of its path.
 * @property {typeof format} format
 * @property {(message: string, bad?: boolean) => void} say Shows a message for a while.
 * @property {any} info The newest answer to hello; writable_records and permissions say what may be written.
 */

const names = ["records", "tail", "graph", "log", "losses", "retention", "disk"];
const labels = { records: "Records", tail: "Live tail", graph: "Stages", log: "Log and sinks", losses: "Losses", retention: "Retention", disk: "Disk" };
const $ = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

const tokenKey = "aimdb.console.token";
let token = sessionStorage.getItem(tokenKey) ?? "";
/** @type {any} */ let db;
/** @type {any} */ let info = {};
/** @type {undefined | {time: number, at: number}} */ let lost; // when the connection was lost, by the clock and by the time of the page
let asked = false; // the server has asked for a token
let barred = ""; // why the server admits nobody with the present token
/** @type {undefined | (() => void)} */ let unmount;
let turn = 0; // the pages that were asked for

const api = makeApi(() => token, (why) => ask(refusal(why)));

// refusal says why a server admits nobody. What it says itself without a token is for programs.
const refusal = (/** @type {string} */ why) => (token ? `${why[0].toUpperCase()}${why.slice(1)}.` : "This server asks for a token. Ask whoever runs the database for one.");

function say(/** @type {string} */ message, bad = false) {
  const note = h("p", { class: bad ? "note bad" : "note" }, message);
  $("messages").append(note);
  setTimeout(() => note.remove(), bad ? 12_000 : 5000);
}

// open connects with the present token, and says who one is for the server.
async function open() {
  db?.close();
  [lost, barred] = [undefined, ""];
  const mine = (db = connect({ token: token || undefined, onState: (state, error) => mine === db && connection(state, error) }));
  try {
    await greet(mine);
    document.body.dataset.connection = "open";
  } catch (err) {
    if (mine === db && err.code === "denied") ask((barred = refusal(err.reason)));
    else if (mine === db && err.code !== "closed") connection("lost", err);
  }
}

// greet asks who one is for the server.
async function greet(/** @type {any} */ mine) {
  const answer = await mine.call("hello", { version: "3.0", client: "console", auth_token: token || undefined });
  if (mine !== db) return;
  info = answer;
  asked ||= Boolean(info.authenticated);
  $("token").hidden = !(asked || token);
}

function connection(/** @type {string} */ state, /** @type {any} */ error) {
  if (error?.code === "closed") return; // this page has closed it
  if (state === "closed" && error?.code === "denied") ask(refusal(error.reason));
  if (state !== "open") return lose();
  const back = lost;
  lost = undefined;
  document.body.dataset.connection = "open";
  if (back) {
    document.dispatchEvent(new Event("reconnected"));
    // It may be another process with other settings. One that is lost again is greeted again.
    greet(db).then(showHealth, (err) => err.code === "denied" && ask(err.message));
  }
  showHealth();
}

function lose() {
  lost ||= { time: Date.now(), at: performance.now() };
  document.body.dataset.connection = "lost";
  showHealth();
}

// ask asks for a token, and begins again with it.
function ask(/** @type {string} */ why = "") {
  const dialog = /** @type {HTMLDialogElement} */ ($("ask"));
  asked = true;
  $("token").hidden = false;
  if (dialog.open) return;
  if (why) $("ask-why").textContent = why;
  const field = /** @type {HTMLInputElement} */ ($("ask-token"));
  field.value = "";
  dialog.returnValue = "";
  dialog.onclose = () => dialog.returnValue === "ok" && setToken(field.value.trim());
  dialog.showModal();
}

async function setToken(/** @type {string} */ value) {
  token = value;
  if (value) sessionStorage.setItem(tokenKey, value);
  else sessionStorage.removeItem(tokenKey);
  await open();
  await Promise.all([show(), poll()]);
}

/** @type {any} */ let health;
let polling = false;

async function poll() {
  if (polling) return;
  polling = true;
  try {
    const answer = await fetch(new URL("health", root), { headers: authorization(token), signal: AbortSignal.timeout(5000) });
    health = await answer.json();
    if (lost) db.call("hello", { version: "3.0", auth_token: token || undefined }).then(() => connection("open"), () => {}); // wakes the client
  } catch {
    lose();
  } finally {
    polling = false;
  }
  showHealth();
}

function showHealth() {
  const line = $("health"), reasons = $("reasons");
  const list = lost ? [] : (health?.reasons ?? []);
  reasons.hidden = list.length === 0;
  reasons.querySelector("summary").textContent = list.length === 1 ? "1 reason" : `${list.length} reasons`;
  reasons.querySelector("ul").replaceChildren(...list.map((/** @type {string} */ r) => h("li", {}, r)));
  if (lost) {
    line.dataset.state = "lost";
    line.textContent = `Connection lost at ${format.clock(lost.time).slice(0, 8)}: what you see is ${format.duration(performance.now() - lost.at)} old. Trying again…`;
  } else if (health) {
    line.dataset.state = health.status;
    const name = info.server ? `${info.server}: ` : "";
    line.textContent = `${name}${health.status === "ok" ? "OK" : health.status}, up ${format.duration(health.uptime_secs * 1000)}, ${format.count(health.clients, "client")}`;
  }
}

// parse reads the fragment: #/NAME/KEY?more=parameters.
function parse() {
  const [path, query] = location.hash.slice(1).split("?", 2);
  const [, name = "", ...rest] = path.split("/");
  let key = rest.join("/");
  try { key = decodeURIComponent(key); } catch { /* it was typed by hand: take it as it is */ }
  return { name: name || "records", params: { ...Object.fromEntries(new URLSearchParams(query)), key } };
}

// reveal scrolls to the name of the page: on a phone the list is wider than the window.
function reveal() {
  const a = /** @type {HTMLElement | null} */ (document.querySelector("#nav [aria-current]"));
  if (a) $("nav").scrollLeft = a.offsetLeft - 80;
}

async function show() {
  const { name, params } = parse();
  const mine = ++turn;
  unmount?.();
  unmount = undefined;
  for (const a of document.querySelectorAll("#nav a")) {
    if (a.getAttribute("href") === `#/${name === "record" ? "records" : name}`) {
      a.setAttribute("aria-current", "page");
    } else a.removeAttribute("aria-current");
  }
  reveal();
  const main = $("main");
  main.dataset.page = name;
  main.replaceChildren(h("p", { class: "state" }, "Loading…"));
  if (name !== "record" && !names.includes(name)) {
    main.replaceChildren(h("h1", {}, "No such page"), h("p", { class: "state" }, "Choose one on the left."));
    return;
  }
  if (barred) {
    main.replaceChildren(h("h1", {}, labels[name] ?? "Record"), h("p", { class: "state" }, barred));
    return;
  }
  let page;
  try {
    page = await import(`./pages/${name}.js`);
  } catch (err) {
    if (mine === turn) main.replaceChildren(h("h1", {}, labels[name] ?? "Record"), h("p", { class: "state bad" }, `The page cannot be loaded: ${err.message}. Reload when the server runs.`));
    return;
  }
  if (mine !== turn) return;
  const title = page.title + (params.key ? ` ${params.key}` : "");
  document.title = `${title} · AimDB`;
  const body = h("div", { class: `page page-${name}` });
  main.replaceChildren(h("div", { class: "heading" }, h("h1", {}, params.key || page.title), h("p", { class: "purpose" }, page.purpose ?? "")), body);
  try {
    unmount = page.mount(body, { db, api, params, format, say, get info() { return info; } });
  } catch (err) {
    body.replaceChildren(h("p", { class: "state bad" }, `The page failed: ${err.message}`));
    throw err;
  }
}

$("nav").append(
  h("a", { class: "brand", href: "#/records" }, h("img", { src: "icon.svg", alt: "", width: "22", height: "22" }), "AimDB"),
  h("ul", {}, ...names.map((n) => h("li", {}, h("a", { href: `#/${n}` }, labels[n])))));
$("token").onclick = () => ask("With another token you may see and do other things. Leave it empty to go without one.");
$("ask-cancel").onclick = () => /** @type {HTMLDialogElement} */ ($("ask")).close("");
$("skip").onclick = (e) => { e.preventDefault(); $("main").focus(); };
addEventListener("resize", reveal);
addEventListener("hashchange", async () => { await show(); $("main").focus({ preventScroll: true }); });
// A page that is left closes its connection, and one that comes back opens another.
addEventListener("pagehide", () => db.close());
addEventListener("pageshow", (e) => { if (e.persisted) setToken(token); });
await open().then(show);
await poll();
setInterval(poll, 5000);
setInterval(() => { if (lost) { showHealth(); poll(); } }, 1000); // a lost server is asked more often
