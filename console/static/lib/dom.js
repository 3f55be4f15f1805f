// @ts-check

/**
 * h makes an element. Strings become text, never HTML. A property that begins with on is a
 * handler, others are attributes; false and undefined leave an attribute out.
 * @param {string} tag @param {{[name: string]: any}} [props] @param {...(Node | string | number | null | undefined)} children
 * @returns {any}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  for (const child of children) if (child != null) element.append(child instanceof Node ? child : String(child));
  return element;
}

/** text sets the text of an element if it differs. @param {Element} element @param {string} value */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** state is the line that stands for content: loading, empty or an error. @param {string} message @param {boolean} [bad] */
export const state = (message, bad = false) => h("p", { class: bad ? "state bad" : "state", role: bad ? "alert" : false }, message);

/** hrefOf is the link to the page of a record. @param {string} key */
export const hrefOf = (key) => `#/record/${encodeURIComponent(key)}`;
