/** Reading thrown values. It doesn't use `instanceof`, as errors of Node may come from another realm. */

/** The message of a thrown value. */
export function messageOf(thrown: unknown): string {
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) return String(thrown.message);
  return String(thrown);
}

/** The code of an error of Node, such as `ENOENT`; undefined for other values. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined;
  return typeof thrown.code === 'string' ? thrown.code : undefined;
}
