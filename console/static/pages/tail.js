// @ts-check
import { state } from "../lib/dom.js";

export const title = "Live tail";
export const purpose = "Every value as it is written. A lost connection resumes without a gap.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
