// @ts-check
import { h, state, text } from "../lib/dom.js";
import { numberPaths } from "../lib/spark.js";
import { History } from "../lib/history.js";
import { ValueView } from "../lib/value.js";

export const title = "Record";
export const purpose = "The newest value and the history of one record.";

/** @param {HTMLElement} root @param {import("../app.js").Context} ctx */
export function mount(root, ctx) {
  const { db, format, params } = ctx, key = params.key;
  if (!key) {
    root.append(state("Choose a record on the page Records."));
    return () => {};
  }
  const ended = new AbortController();
  const facts = h("dl", { class: "facts" });
  const age = h("span", { class: "soft" }), trouble = h("p", { class: "state bad", role: "alert", hidden: true });
  const value = new ValueView(format, "Waiting for the value…");
  const newest = h("section", { class: "panel newest", "aria-labelledby": "newest" }, h("h2", { id: "newest" }, "Newest value "), trouble, value.root);
  newest.firstChild.append(age);
  const top = h("div", { class: "pair" }, newest, h("section", { class: "panel", "aria-label": "About the record" }, facts));
  root.append(top);
  const past = new History(root, ctx, key);
  let at = 0, known = false;
  /** @type {HTMLElement | undefined} */ let form;

  db.subscribe(key, {
    signal: ended.signal,
    onValue: (/** @type {any} */ v, /** @type {any} */ { live }) => {
      if (live && known) at = Date.now(); // the first one was there before
      known = true;
      trouble.hidden = true;
      value.show(v);
      past.members(numberPaths(v));
      if (live) past.changed();
      tick();
    },
    onState: (/** @type {string} */ s, /** @type {any} */ err) => {
      if (s !== "closed" || !err) return;
      trouble.hidden = false;
      text(trouble, err.message);
      value.root.hidden = true;
    },
  });
  const tick = () => text(age, at ? format.age(at) === "now" ? "just now" : at > Date.now() + 2000 ? format.age(at) : `${format.age(at)} ago` : "");
  const timer = setInterval(tick, 1000);

  let described = false;
  const describe = () => db.list(key).then((/** @type {any[]} */ list) => {
    const r = list.find((i) => i.record_key === key) ?? list[0];
    if (ended.signal.aborted) return;
    const first = !described;
    described = true;
    facts.replaceChildren();
    if (!r && !known) value.say("No record has this key.");
    if (!r) return facts.append(fact("Record", "It is not registered; what history has is below."));
    at ||= r.last_write_ms ?? 0;
    if (!known && r.produced_count === 0) value.say("It has no value yet.");
    const kinds = { spmc_ring: `ring of ${format.number(r.buffer_capacity ?? 0)}`, single_latest: "latest value", mailbox: "mailbox" };
    facts.append(
      fact("Type", r.schema_type || r.type_id || "–"), fact("Buffer", kinds[r.buffer_type] ?? r.buffer_type),
      fact("Stored", r.persisted ? "yes" : "no"), fact("Written", format.count(r.produced_count, "value")),
      fact("Lost", r.lost_count ? format.count(r.lost_count, "value") : "none", r.lost_count > 0),
      fact("Made from", (r.inbound_keys ?? []).join(", ") || "–"), fact("May be set", r.writable ? "yes" : "no"));
    for (const s of r.signal_stats ?? []) if (s.unit) {
      facts.append(fact("Unit", `${memberOf(s.signal)} in ${s.unit}`));
      past.measured(memberOf(s.signal), s.unit);
    }
    if (first && r.persisted === false) past.say("The record is not stored, so it has no history.");
    const may = Boolean(r.writable && ctx.info.permissions?.includes("write")); // a restart may change it
    if (!may) form?.remove();
    form = may ? form ?? root.appendChild(setter(ctx, key, () => value.value)) : undefined;
    tick();
  }, (/** @type {any} */ err) => ended.signal.aborted || described || facts.replaceChildren(fact("Trouble", err.message, true)));
  describe();
  const again = setInterval(() => document.hidden || describe(), 5000);

  return () => {
    ended.abort();
    clearInterval(timer);
    clearInterval(again);
    past.close();
  };
}

// memberOf is the path of a member that a JSON Pointer names.
const memberOf = (/** @type {string} */ pointer) => pointer.replace(/^\//, "").replaceAll("/", ".");

const fact = (/** @type {string} */ name, /** @type {string} */ what, bad = false) => h("div", {}, h("dt", {}, name), h("dd", { class: bad ? "bad" : false }, what));

// setter is the form that sets the record.
function setter(/** @type {import("../app.js").Context} */ { db, format, say }, /** @type {string} */ key, /** @type {() => any} */ newest) {
  const field = h("textarea", { rows: "4", spellcheck: "false", "aria-describedby": "set-said" });
  const said = h("p", { id: "set-said", class: "hint", role: "status" }, "JSON. It is checked by the server before it is taken.");
  const button = h("button", { class: "primary" }, "Set");
  const form = h("form", {
    onsubmit: async (/** @type {Event} */ e) => {
      e.preventDefault();
      let v;
      try {
        v = JSON.parse(field.value);
      } catch (err) {
        said.className = "bad";
        return text(said, `This is not JSON: ${err.message}`);
      }
      button.disabled = true;
      try {
        await db.set(key, v);
        said.className = "hint";
        text(said, `Set at ${format.clock(Date.now())}.`);
      } catch (err) {
        said.className = "bad";
        text(said, err.message);
        say(`${key} was not set.`, true);
      }
      button.disabled = false;
    },
  }, h("label", { class: "sr", for: "set-value" }, "New value, JSON"), field, said,
  h("p", { class: "buttons" }, h("button", { type: "button", class: "quiet", onclick: () => { const v = JSON.stringify(newest(), null, 2) ?? ""; if (v.length > 100_000) say("The newest value is too large to edit here.", true); else field.value = v; } }, "Take the newest"), button));
  field.id = "set-value";
  return h("section", { class: "panel", "aria-labelledby": "set" }, h("h2", { id: "set" }, "Set a value"), form);
}
