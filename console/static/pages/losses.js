// @ts-check
import { state } from "../lib/dom.js";

export const title = "Losses and dead letters";
export const purpose = "What was lost and why, and what could not be stored.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
