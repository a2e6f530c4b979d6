// Asking the server: answers, answers line by line, and what is said when there is none.

const MOST_TRIES = 4;

/** An answer that is none. `code` is the API's, or `offline`. */
export class ApiError extends Error {
  constructor(status, code, message, retry) {
    super(message);
    Object.assign(this, { status, code, retry });
  }
}

/**
 * @typedef {Object} Asking
 * @property {*} [json] sent as JSON
 * @property {Blob} [body] sent as it is
 * @property {AbortSignal} [signal] ends it
 * @property {(seconds: number) => void} [onWait] told when the server is busy and is asked again
 */

/** @returns {Promise<*>} the values of an answer in JSON */
export async function ask(path, asking = {}) {
  return (await fetched(path, asking)).json();
}

/** @returns {Promise<Blob>} an answer as a file */
export async function askFile(path, asking = {}) {
  return (await fetched(path, asking)).blob();
}

/**
 * An answer that comes line by line.
 * @returns {AsyncGenerator<*>} the values of each line
 */
export async function* askLines(path, asking = {}) {
  const response = await fetched(path, asking);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let [text, last] = ["", null];
  for (;;) {
    const { value, done } = await reader.read().catch((error) => {
      throw asking.signal?.aborted ? error : new ApiError(0, "offline", String(error));
    });
    const lines = (text + (value ?? "")).split("\n");
    text = lines.pop();
    for (const line of lines) {
      const told = JSON.parse(line);
      if (told.kind === "error") throw new ApiError(503, told.error.code, told.error.message);
      last = told.kind;
      yield told;
    }
    if (!done) continue;
    if (last !== "end") throw new ApiError(0, "offline", "the answer is cut off");
    return;
  }
}

async function fetched(path, { json, body, signal, onWait }) {
  for (let tried = 1; ; tried += 1) {
    const response = await sent(path, { json, body, signal });
    if (response.ok) return response;
    const error = await told(response);
    // Busy is not broken: the server says itself when to come again.
    if (!error.retry || tried === MOST_TRIES) throw error;
    onWait?.(error.retry);
    await pause(error.retry, signal);
  }
}

async function sent(path, { json, body, signal }) {
  const asked = json === undefined && body === undefined ? {} : { method: "POST", body: body ?? JSON.stringify(json) };
  if (json !== undefined) asked.headers = { "Content-Type": "application/json" };
  try {
    return await fetch(path, { ...asked, signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "offline", String(error));
  }
}

async function told(response) {
  const retry = Number(response.headers.get("Retry-After")) || null;
  const content = await response.json().catch(() => null);
  const { code, message } = content?.error ?? { code: "failed", message: response.statusText };
  return new ApiError(response.status, code, message, retry);
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}
