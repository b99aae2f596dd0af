/** What a process presents to renew, change or end its registration. */
export interface Lease {
  readonly leaseId: string;
  readonly instanceId: string;
}

/**
 * Makes a lease id. The id contains the incarnation that the lease was given to, so that a store can tell a holder that
 * was taken over from one whose lease ran out without remembering either.
 *
 * @param suffix random, so that the id can't be guessed.
 */
export function leaseIdOf(incarnation: bigint, suffix: string): string {
  return `${incarnation}-${suffix}`;
}

/** The incarnation that a lease was given to; undefined if no store made `leaseId`. */
export function incarnationOf(leaseId: string): bigint | undefined {
  const digits = /^(\d{1,19})-/.exec(leaseId)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

/** The random bytes in a lease id: enough that it can't be guessed. */
export const SUFFIX_BYTES = 16;

/**
 * What a store keeps of the secret that an instance registered with: its SHA-256 hash in base64. Secrets are random, so
 * the hash needs no salt.
 */
export type SecretHash = string;

/**
 * Whether `shown` proves that a registration comes from the process that sent `kept`. A missing secret proves nothing.
 */
export function isSameSecret(kept: SecretHash | undefined, shown: SecretHash | undefined): boolean {
  return kept !== undefined && shown !== undefined && isSameToken(kept, shown);
}

/**
 * Compares two texts in constant time: the duration doesn't reveal where they differ, because each character is
 * compared.
 */
export function isSameToken(kept: string, shown: string): boolean {
  if (kept.length !== shown.length) return false;
  let difference = 0;
  for (let index = 0; index < kept.length; index += 1) {
    difference |= kept.charCodeAt(index) ^ shown.charCodeAt(index);
  }
  return difference === 0;
}
