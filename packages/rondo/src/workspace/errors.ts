/** Reading thrown values. It doesn't use `instanceof`, as errors of Node may come from another realm. */

export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) return String(thrown.message);
  return String(thrown);
}

/** What `work` resolves to; undefined if a file is missing. */
export const unlessMissing = <T>(work: Promise<T>): Promise<T | undefined> =>
  work.catch((error) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });

/** The code of an error of Node, such as `ENOENT`; undefined for other values. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
