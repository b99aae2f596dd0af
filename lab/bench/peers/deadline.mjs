/** Waits for a promise for at most `ms`; the error says what wasn't done. */
export async function within(ms, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new LateError(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A worker hasn't answered: it may be stuck. */
export class LateError extends Error {}
