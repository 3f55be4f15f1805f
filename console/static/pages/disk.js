// @ts-check
import { state } from "../lib/dom.js";

export const title = "Disk";
export const purpose = "Which records fill the disk.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
