import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { IncarnationAhead, InstanceTakenOver, LimitReached, SecretMismatch } from '../domain/errors.js';
import type { Registration } from '../domain/instance.js';

/** Why a registration was refused. */
export type RefusalReason = (typeof REASONS)[number];

/** All of {@link RefusalReason}. */
export const REASONS = ['later_incarnation', 'secret', 'incarnation_ahead', 'limit'] as const;

/** What is known of a registration that was refused. */
export interface RefusedCall {
  readonly registration: Pick<Registration, 'instanceId' | 'incarnation'>;
  /** The caller's address. */
  readonly peer: string;
}

/** How many lines a minute tell of refusals. */
const MAX_LINES = 10;
const MINUTE_MS = 60_000;

/**
 * Counts the registrations that are refused, and says in the log which: of one instance id and reason once a minute, and
 * {@link MAX_LINES} lines a minute in all, so that a caller that is refused again and again doesn't fill the log. How many
 * were left out stands in the next line.
 */
export class Refusals {
  readonly counts: Readonly<Record<RefusalReason, number>>;
  readonly #counts: Record<RefusalReason, number>;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #told = new Set<string>();
  #minuteEndsMs = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#counts = { later_incarnation: 0, secret: 0, incarnation_ahead: 0, limit: 0 };
    this.counts = this.#counts;
  }

  /** Takes note of what a registration failed with, if it was refused. */
  note(fault: unknown, { registration, peer }: RefusedCall): void {
    const reason = reasonOf(fault);
    if (reason === undefined) return;
    this.#counts[reason] += 1;
    const { instanceId, incarnation } = registration;
    if (!this.#takeLine(`${reason} ${instanceId}`)) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    const fields = { instanceId, incarnation: String(incarnation), reason, peer, ...leftOut };
    this.#log.warn(fields, `a registration was refused: ${WHY[reason]}`);
  }

  #takeLine(subject: string): boolean {
    const now = this.#clock.now();
    if (now >= this.#minuteEndsMs) {
      this.#told.clear();
      this.#minuteEndsMs = now + MINUTE_MS;
    }
    if (this.#told.has(subject) || this.#told.size >= MAX_LINES) return false;
    this.#told.add(subject);
    return true;
  }
}

const WHY: Readonly<Record<RefusalReason, string>> = {
  later_incarnation: 'a process that started later holds its instance id',
  secret: 'a process of the same incarnation holds its instance id, and it came without the secret of that one',
  incarnation_ahead: "its incarnation is too far ahead of the registry's clock",
  limit: 'the registry holds as much as it may',
};

function reasonOf(fault: unknown): RefusalReason | undefined {
  if (fault instanceof InstanceTakenOver) return 'later_incarnation';
  if (fault instanceof SecretMismatch) return 'secret';
  if (fault instanceof IncarnationAhead) return 'incarnation_ahead';
  return fault instanceof LimitReached ? 'limit' : undefined;
}
