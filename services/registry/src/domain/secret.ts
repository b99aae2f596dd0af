/**
 * What a store keeps of the secret that an instance registered with: its SHA-256 hash, in base64. As secrets are random,
 * it needs no salt.
 */
export type SecretHash = string;

/** Whether a registration that came with `shown` is of the process that came with `kept`. One without proves nothing. */
export function isSameSecret(kept: SecretHash | undefined, shown: SecretHash | undefined): boolean {
  return kept !== undefined && shown !== undefined && isSameToken(kept, shown);
}

/** Whether two texts are the same, in a time that doesn't tell from where on they differ: each character is looked at. */
export function isSameToken(kept: string, shown: string): boolean {
  if (kept.length !== shown.length) return false;
  let difference = 0;
  for (let index = 0; index < kept.length; index += 1) {
    difference |= kept.charCodeAt(index) ^ shown.charCodeAt(index);
  }
  return difference === 0;
}
