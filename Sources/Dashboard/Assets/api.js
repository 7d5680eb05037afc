// Asking the read API. Addresses are relative to the page, so that a proxy may put it under a path.

const tokenKey = "headway.token";

/** The operator's token: of this tab, and gone with it. */
export const operator = {
  get token() {
    try { return sessionStorage.getItem(tokenKey); } catch { return this.kept ?? null; }
  },
  set token(value) {
    this.kept = value;
    try {
      if (value) sessionStorage.setItem(tokenKey, value);
      else sessionStorage.removeItem(tokenKey);
    } catch { /* kept in memory alone */ }
  },
};

/** An answer that is no success: `status` (0 when there was none) and what the server says in its problem document. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? (status ? `The server answered ${status}.` : "The server is not reachable."));
    this.status = status;
    this.problem = problem;
  }

  get needsToken() { return this.status === 401 || this.status === 403; }
}

export const address = (path) => new URL(path, document.baseURI);
export const authorization = () => (operator.token ? { Authorization: `Bearer ${operator.token}` } : {});

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(address(path), {
      cache: "no-store", ...options, headers: { ...authorization(), ...options.headers },
      signal: options.signal ?? AbortSignal.timeout(15_000),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal(0);
  }
  try {
    const body = await answer.json();
    if (answer.ok) return body;
    throw new Refusal(answer.status, body);
  } catch (error) {
    if (error.name === "AbortError" || error instanceof Refusal) throw error;
    // An answer that breaks off is none.
    throw new Refusal(answer.ok ? 0 : answer.status);
  }
}

export const get = (path, signal) => ask(path, { signal });

export const post = (path, body) => ask(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}),
});

export const id = encodeURIComponent;
