/** What its holder shows to renew, change or end a registration. */
export interface Lease {
  readonly leaseId: string;
  readonly instanceId: string;
}

/**
 * Names a lease. The name tells which incarnation it was given to, so that a store can tell a holder that was taken
 * over from one whose lease ran out without remembering either.
 *
 * @param suffix what nobody can guess.
 */
export function leaseIdOf(incarnation: bigint, suffix: string): string {
  return `${incarnation}-${suffix}`;
}

/** The incarnation that a lease was given to; undefined where no store made `leaseId`. */
export function incarnationOf(leaseId: string): bigint | undefined {
  const digits = /^(\d{1,19})-/.exec(leaseId)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

/** Random bytes of a lease's name: enough that it can't be guessed. */
export const SUFFIX_BYTES = 16;
