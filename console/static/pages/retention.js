// @ts-check
import { state } from "../lib/dom.js";

export const title = "Retention";
export const purpose = "What is deleted on purpose, and what the next run would delete.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
