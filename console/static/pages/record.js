// @ts-check
import { state } from "../lib/dom.js";

export const title = "Record";
export const purpose = "The newest value and the history of one record.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
