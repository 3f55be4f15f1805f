// @ts-check

/** root is the URL of the server that /console is below. */
export const root = new URL("../../", import.meta.url);

/**
 * makeApi returns a fetch for paths below /api. It adds the token, asks for one where the
 * server refuses, and fails with what the problem says.
 * @param {() => string} token @param {(why: string) => void} ask
 */
export function makeApi(token, ask) {
  return async (/** @type {string} */ path, /** @type {RequestInit} */ init = {}) => {
    const headers = new Headers(init.headers);
    if (token()) headers.set("Authorization", `Bearer ${token()}`);
    const answer = await fetch(new URL(`api/${path}`, root), { ...init, headers });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const why = problem.detail ?? problem.title ?? `the server answered ${answer.status}`;
    if (answer.status === 401) ask(why);
    throw new Error(why);
  };
}
