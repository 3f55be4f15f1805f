// @ts-check
import { state } from "../lib/dom.js";

export const title = "Graph";
export const purpose = "Which records are made from which, and who reads them.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
