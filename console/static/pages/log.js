// @ts-check
import { state } from "../lib/dom.js";

export const title = "Log and sinks";
export const purpose = "How far the sinks are behind the log.";

/** @param {HTMLElement} root @param {import("../app.js").Context} _ctx */
export function mount(root, _ctx) {
  root.append(state("This page is empty."));
  return () => {};
}
