// @ts-check
import { h, text } from "./dom.js";

const most = 4000; // characters that are shown of a value, unless all are asked for

/** ValueView shows one value as JSON. A large one is cut, with a button that shows all. */
export class ValueView {
  #all = false; #late = 0;

  /** @param {typeof import("./format.js")} format @param {string} waiting */
  constructor(format, waiting) {
    this.format = format;
    this.value = /** @type {any} */ (undefined);
    this.text = h("pre", { tabindex: "0", "aria-label": "Value" }, waiting);
    this.more = h("button", { type: "button", class: "quiet", hidden: true, onclick: () => { this.#all = !this.#all; this.#draw(); } });
    this.root = h("div", { class: "json" }, this.text, this.more);
  }

  /** show shows a value, at most 5 a second. @param {any} value */
  show(value) {
    this.value = value;
    this.#late ||= setTimeout(() => { this.#late = 0; this.#draw(); }, this.drawn ? 200 : 0);
  }

  /** say shows a text in place of a value. @param {string} message */
  say(message) { text(this.text, message); }

  #draw() {
    this.drawn = true;
    const whole = JSON.stringify(this.value, null, 2) ?? "null";
    const cut = whole.length > most;
    text(this.text, cut && !this.#all ? this.format.cut(whole, most) : whole);
    this.more.hidden = !cut;
    text(this.more, this.#all ? "Show less" : `Show all (${this.format.bytes(whole.length)})`);
  }
}
