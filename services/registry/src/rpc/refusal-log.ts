import type { Logger } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import {
  IdentityMismatch,
  IdentityRefused,
  IncarnationAhead,
  InstanceTakenOver,
  LimitReached,
  SecretMismatch,
} from '../domain/errors.js';
import type { Registration } from '../domain/instance.js';

/** Why a registration was refused. */
type RefusalReason = (typeof REASONS)[number];

/** All values of {@link RefusalReason}. */
export const REASONS = ['later_incarnation', 'secret', 'incarnation_ahead', 'limit', 'identity', 'holder'] as const;

/** A registration that was refused. */
interface RefusedCall {
  readonly registration: Pick<Registration, 'instanceId' | 'incarnation'>;
  /** The caller's address. */
  readonly peer: string;
}

/** Resources that an xDS client refuses, with the reason in its own words. */
interface RefusedResources {
  readonly node: string;
  readonly type: string;
  readonly reason: string;
  readonly peer: string;
}

/** The maximum number of log lines a minute. */
const MAX_LINES = 10;
const MINUTE_MS = 60_000;

/**
 * Counts refused registrations, and logs them and calls that only people and operators may make: at most once a minute for
 * each instance id and reason, or each process and kind of call, and at most {@link MAX_LINES} lines a minute in all, so that a
 * caller that is refused again and again doesn't fill the log. The next line states how many were left out.
 */
export class RefusalLog {
  readonly counts: Readonly<Record<RefusalReason, number>>;
  readonly #counts: Record<RefusalReason, number>;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #logged = new Set<string>();
  #minuteEndsMs = Number.NEGATIVE_INFINITY;
  #leftOut = 0;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#counts = { later_incarnation: 0, secret: 0, incarnation_ahead: 0, limit: 0, identity: 0, holder: 0 };
    this.counts = this.#counts;
  }

  /** Counts and logs the fault of a registration, if it is a refusal. */
  record(fault: unknown, { registration, peer }: RefusedCall): void {
    const reason = reasonOf(fault);
    if (reason === undefined) return;
    this.#counts[reason] += 1;
    const { instanceId, incarnation } = registration;
    const fields = { instanceId, incarnation: String(incarnation), reason, peer };
    this.#warn(`${reason} ${instanceId}`, fields, `a registration was refused: ${WHY[reason]}`);
  }

  /** Logs the fault of another call, if the certificate of its process doesn't allow it. */
  recordCall(fault: unknown, peer: string): void {
    if (fault instanceof IdentityRefused) this.#warn(fault.message, { peer }, `a call was refused: ${fault.message}`);
  }

  /** Logs that an xDS client refuses what the registry sends. */
  recordResources(refused: RefusedResources): void {
    const { node, type, reason } = refused;
    this.#warn(`xds ${node} ${type}`, refused, `an xDS client refuses resources: ${reason}`);
  }

  #warn(subject: string, fields: object, text: string): void {
    if (!this.#takeLine(subject)) {
      this.#leftOut += 1;
      return;
    }
    const leftOut = this.#leftOut > 0 ? { leftOut: this.#leftOut } : {};
    this.#leftOut = 0;
    this.#log.warn({ ...fields, ...leftOut }, text);
  }

  #takeLine(subject: string): boolean {
    const now = this.#clock.now();
    if (now >= this.#minuteEndsMs) {
      this.#logged.clear();
      this.#minuteEndsMs = now + MINUTE_MS;
    }
    if (this.#logged.has(subject) || this.#logged.size >= MAX_LINES) return false;
    this.#logged.add(subject);
    return true;
  }
}

const WHY: Readonly<Record<RefusalReason, string>> = {
  later_incarnation: 'a process that started later holds its instance id',
  secret: "a process of the same incarnation holds its instance id, and the caller didn't send that process's secret",
  incarnation_ahead: "its incarnation is too far ahead of the registry's clock",
  identity: 'the certificate of its process is not for the services that it lists',
  holder: 'a process of another identity holds its instance id',
  limit: 'a limit of the registry is reached',
};

function reasonOf(fault: unknown): RefusalReason | undefined {
  if (fault instanceof InstanceTakenOver) return 'later_incarnation';
  if (fault instanceof SecretMismatch) return 'secret';
  if (fault instanceof IncarnationAhead) return 'incarnation_ahead';
  if (fault instanceof IdentityRefused) return 'identity';
  if (fault instanceof IdentityMismatch) return 'holder';
  return fault instanceof LimitReached ? 'limit' : undefined;
}
