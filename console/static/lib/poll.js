// @ts-check
import { h } from "./dom.js";
import { clock } from "./format.js";

const patience = 5000; // ms without an answer before the page says so

/**
 * pauseAfter is how long to wait after an answer: ten times as long as it took, so that a large
 * database is asked less often. An answer that is late once, on a busy machine, must not leave
 * a page without the next one for long, so it is at most 10 s, or three times as long.
 * @param {number} every ms @param {number} took ms
 */
export const pauseAfter = (every, took) => Math.max(every, Math.min(10 * took, Math.max(10_000, 3 * took)));

/**
 * poll reads again and again while the page is seen, and shows each answer. When the connection
 * is back, it reads at once.
 * @template T
 * @param {() => Promise<T>} read @param {(answer: T) => void} show @param {number} every ms
 * @returns {{note: HTMLElement, now: () => void, stop: () => void}} note says how old the page is
 */
export function poll(read, show, every) {
  const age = h("span", { class: "age" }, "Loading …");
  const trouble = h("span", { class: "trouble", role: "status" });
  const note = h("p", { class: "asof" }, age, " ", trouble);
  let timer = 0, stopped = false, asOf = 0, asking = false;
  let back = 0; // when the connection came back: the time without one is none that the answer took
  const say = (/** @type {string} */ text) => { if (trouble.textContent !== text) trouble.textContent = text; };
  async function ask() {
    if (stopped || asking) return;
    clearTimeout(timer);
    asking = true;
    const begun = performance.now();
    const late = setTimeout(() => say(asOf ? "No answer: the connection may be lost. This is not current." : "No answer yet: see whether the server runs."), patience);
    let refused = false, failed = false;
    try {
      const answer = await read();
      if (stopped) return;
      asOf = Date.now();
      show(answer);
      age.textContent = `As of ${clock(asOf).slice(0, 8)}`;
      say("");
    } catch (error) {
      if (stopped) return;
      [failed, refused] = [true, error.code === "denied"];
      if (!asOf) age.textContent = "";
      say(asOf ? `This is not current: ${error.message}` : error.message);
    } finally {
      clearTimeout(late);
      asking = false;
    }
    if (!stopped && !document.hidden) timer = setTimeout(ask, refused ? 30_000 : failed ? every : pauseAfter(every, performance.now() - Math.max(begun, back)));
  }
  const seen = () => document.hidden || ask();
  const reconnected = () => { back = performance.now(); seen(); };
  document.addEventListener("visibilitychange", seen);
  document.addEventListener("reconnected", reconnected);
  ask();
  return {
    note, now: ask,
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", seen);
      document.removeEventListener("reconnected", reconnected);
    },
  };
}
