import { IncarnationAhead, InstanceTakenOver, SecretMismatch } from './errors.js';
import type { RefusedRegistration, Registration } from './instance.js';
import { isSameSecret, type SecretHash } from './secret.js';

/** What comes with a registration beside what the instance says of itself. */
export interface RegisterOptions {
  /**
   * Counts what the incarnation says of itself: what is lower than one that has been taken was overtaken on its way. 0,
   * the default, is always taken.
   */
  readonly sequence?: bigint;
  /** Of the secret that shows later that it is the same process; without one it can't be repeated. */
  readonly secretHash?: SecretHash | undefined;
}

/** What a store keeps of one that registered, or said goodbye. */
export interface Admitted {
  readonly incarnation: bigint;
  /** Of what it said last. */
  readonly sequence: bigint;
  readonly secretHash?: SecretHash | undefined;
}

/** What stands for an instance id when a registration comes. */
export interface Present<H extends Admitted, G extends Admitted> {
  readonly holder: H | undefined;
  /** Of one that said goodbye a short while ago. */
  readonly goodbye: G | undefined;
  /** What the registry's wall clock shows. */
  readonly wallMs: number;
}

/** What is to be done about a registration. */
export type Admission<H, G> =
  | { readonly kind: 'new' }
  /** The holder says it again: it keeps its lease. */
  | { readonly kind: 'repeat'; readonly holder: H }
  /** Something that was said later has been taken: it changes nothing. */
  | { readonly kind: 'overtaken'; readonly by: H | G };

/**
 * How far a process's start may be ahead of the registry's clock. Clocks that are kept by NTP are within a second; this
 * bounds for how long a false start can keep the owner of an instance id from it. docs/adr/0035-who-may-hold-a-lease.md.
 */
export const MAX_AHEAD_MS = 60_000;

/**
 * Decides on a registration, for every store.
 *
 * @throws InstanceTakenOver for one that is earlier than the holder; SecretMismatch for one of the same start that isn't
 *   the holder's; IncarnationAhead for a new one that is too far ahead of the registry's clock.
 */
export function judge<H extends Admitted, G extends Admitted>(
  { instanceId, incarnation }: Pick<Registration, 'instanceId' | 'incarnation'>,
  { sequence = 0n, secretHash }: RegisterOptions,
  { holder, goodbye, wallMs }: Present<H, G>,
): Admission<H, G> {
  if (goodbye?.incarnation === incarnation && isOvertaken(sequence, goodbye) && !isOther(goodbye, secretHash)) {
    return { kind: 'overtaken', by: goodbye };
  }
  if (holder !== undefined && holder.incarnation > incarnation) {
    throw new InstanceTakenOver(instanceId, holder.incarnation);
  }
  if (holder?.incarnation === incarnation) {
    if (!isSameSecret(holder.secretHash, secretHash)) throw new SecretMismatch(instanceId, incarnation);
    return isOvertaken(sequence, holder) ? { kind: 'overtaken', by: holder } : { kind: 'repeat', holder };
  }
  if (incarnation > BigInt(Math.floor(wallMs) + MAX_AHEAD_MS)) {
    throw new IncarnationAhead(instanceId, incarnation, wallMs);
  }
  return { kind: 'new' };
}

/**
 * For how many of its TTLs a registration that was refused is told of: a process that lives tries again after each.
 */
export const TOLD_TTLS = 2;

/** What is told of a registration that was refused because another process holds its id; undefined for other faults. */
export function toRefused(
  fault: unknown,
  { incarnation, endpoints }: Registration,
  wallMs: number,
): RefusedRegistration | undefined {
  if (!(fault instanceof InstanceTakenOver) && !(fault instanceof SecretMismatch)) return undefined;
  return { incarnation, address: endpoints[0]?.address ?? '', timeMs: wallMs };
}

/** Whether what comes with `sequence` was overtaken by what has been taken. */
export function isOvertaken(sequence: bigint, said: Pick<Admitted, 'sequence'>): boolean {
  return sequence > 0n && sequence < said.sequence;
}

/** A goodbye of one that sent no secret may be of the process that comes. */
function isOther(goodbye: Admitted, secretHash: SecretHash | undefined): boolean {
  return goodbye.secretHash !== undefined && !isSameSecret(goodbye.secretHash, secretHash);
}
