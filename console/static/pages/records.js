// @ts-check
import { state } from "../lib/dom.js";

export const title = "Records";
export const purpose = "All records with their newest values. Choose one to see its history.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
