// @ts-check

/** root is the URL of the server that /console is below. */
export const root = new URL("../../", import.meta.url);

/**
 * authorization is the header that presents a token, or name:password of a user. The server
 * takes a token with a ":" as Basic too.
 * @param {string} token @returns {{[name: string]: string}}
 */
export function authorization(token) {
  if (!token) return {};
  if (!token.includes(":")) return { Authorization: `Bearer ${token}` };
  return { Authorization: `Basic ${btoa(String.fromCharCode(...new TextEncoder().encode(token)))}` };
}

/**
 * makeApi returns a fetch for paths below /api. It adds the token, asks for one where the
 * server refuses, and fails with what the problem says.
 * @param {() => string} token @param {(why: string) => void} ask
 */
export function makeApi(token, ask) {
  return async (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(authorization(token()))) headers.set(name, value);
    const answer = await fetch(new URL(`api/${path}`, root), { ...init, headers });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const why = problem.detail ?? problem.title ?? `the server answered ${answer.status}`;
    if (answer.status === 401) ask(why);
    throw new Error(why);
  };
}
