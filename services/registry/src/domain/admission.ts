import { IdentityMismatch, IncarnationAhead, InstanceTakenOver, SecretMismatch } from './errors.js';
import type { RefusedRegistration, Registration } from './instance.js';
import { isSameSecret, type SecretHash } from './lease.js';

/** The options of a registration. */
export interface RegisterOptions {
  /**
   * Numbers the calls in which an incarnation describes itself. The store ignores a call whose number is lower than one
   * that it has accepted: that call was overtaken on its way. 0, the default, is always accepted.
   */
  readonly sequence?: bigint;
  /**
   * The hash of a random secret that lets the process prove later that it is the same process. A registration without a
   * secret can't be repeated.
   */
  readonly secretHash?: SecretHash | undefined;
  /** The SPIFFE id of the process that registers; undefined if it has no certificate. */
  readonly identity?: string | undefined;
}

/** What a store keeps of a process that registered or deregistered. */
export interface Admitted {
  readonly incarnation: bigint;
  /** The number of the last call that was accepted from it. */
  readonly sequence: bigint;
  readonly secretHash?: SecretHash | undefined;
  /** Its SPIFFE id; undefined if it had no certificate. A holder without an identity doesn't block callers that have one. */
  readonly identity?: string | undefined;
}

/** What the store knows about an instance id when a registration arrives. */
export interface AdmissionContext<H extends Admitted, T extends Admitted> {
  readonly holder: H | undefined;
  /** Left by a process that deregistered a short while ago. */
  readonly tombstone: T | undefined;
  /** The time of the registry's wall clock, in milliseconds since the Unix epoch. */
  readonly wallMs: number;
}

/** How a store treats a registration. */
export type Admission<H, T> =
  | { readonly kind: 'new' }
  /** The holder registers again: it keeps its lease. */
  | { readonly kind: 'repeat'; readonly holder: H }
  /** A later call has already been accepted: this one changes nothing. */
  | { readonly kind: 'overtaken'; readonly by: H | T };

/**
 * How far a process's start may be ahead of the registry's clock, in milliseconds. Clocks that are kept by NTP are
 * within a second of each other. The bound limits how long a false start time can keep the owner of an instance id out;
 * see docs/adr/0016-leases-and-stores.md.
 */
export const MAX_AHEAD_MS = 60_000;

/**
 * Decides whether a registration is accepted. Every store uses it.
 *
 * @throws IdentityMismatch if the holder has proved another identity than the caller. InstanceTakenOver if the registration is of an earlier incarnation than the holder. SecretMismatch if it is
 *   of the same incarnation but lacks the holder's secret. IncarnationAhead if it is new and too far ahead of the
 *   registry's clock.
 */
export function decideAdmission<H extends Admitted, T extends Admitted>(
  { instanceId, incarnation }: Pick<Registration, 'instanceId' | 'incarnation'>,
  { sequence = 0n, secretHash, identity }: RegisterOptions,
  { holder, tombstone, wallMs }: AdmissionContext<H, T>,
): Admission<H, T> {
  if (
    tombstone?.incarnation === incarnation &&
    isOvertaken(sequence, tombstone) &&
    !isOtherProcess(tombstone, secretHash)
  ) {
    return { kind: 'overtaken', by: tombstone };
  }
  if (holder?.identity !== undefined && holder.identity !== identity) {
    throw new IdentityMismatch(instanceId, holder.identity, identity);
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
 * For how many of its TTLs a refused registration is shown in lists. A process that is alive tries again after each
 * TTL.
 */
export const REFUSAL_SHOWN_TTLS = 2;

/**
 * What lists show about a registration that was refused because another process holds its id; undefined for other
 * faults.
 */
export function toRefusedRegistration(
  fault: unknown,
  { incarnation, endpoints }: Registration,
  wallMs: number,
): RefusedRegistration | undefined {
  const isHeld = [InstanceTakenOver, SecretMismatch, IdentityMismatch].some((kind) => fault instanceof kind);
  if (!isHeld) return undefined;
  return { incarnation, address: endpoints[0]?.address ?? '', timeMs: wallMs };
}

/** Whether a later call than the one numbered `sequence` has already been accepted. */
export function isOvertaken(sequence: bigint, said: Pick<Admitted, 'sequence'>): boolean {
  return sequence > 0n && sequence < said.sequence;
}

/**
 * Whether the tombstone certainly belongs to another process. A tombstone without a secret may belong to the caller.
 */
function isOtherProcess(tombstone: Admitted, secretHash: SecretHash | undefined): boolean {
  return tombstone.secretHash !== undefined && !isSameSecret(tombstone.secretHash, secretHash);
}
