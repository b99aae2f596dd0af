import { type Clock, yieldToEventLoop } from '@rondo/base';
import type { Metadata } from './metadata.js';
import { readServerTiming, SERVER_TIMING, type ServerTiming } from './server-timing.js';

/**
 * Where the time of a unary call went. Milliseconds. Each side measures durations by its own clock, so clocks that
 * differ don't matter. A server that isn't Rondo's reports no times: then `sendMs` and `processMs` are undefined,
 * and `propagationMs` includes them.
 */
export interface CallTiming {
  /** Waiting for the first lookup of the service. */
  readonly resolveMs: number;
  /** Waiting for a connection, or for an instance that can take the call. */
  readonly connectMs: number;
  /** In attempts that failed, and waiting between them. */
  readonly retriesMs: number;
  /** Waiting for the client's event loop to send the request, and for the server's to read it. */
  readonly queueMs: number;
  /** From the first byte of the request to the last, as the server received them. */
  readonly sendMs: number | undefined;
  /** On the way, there and back. */
  readonly propagationMs: number;
  /** In the server's middleware and handler. */
  readonly processMs: number | undefined;
  /** From the first byte of the reply to the last. */
  readonly receiveMs: number;
  /** From the beginning of the call to the end of the reply. */
  readonly totalMs: number;
}

/** The shortest round trip to an instance so far, of all attempts at it. Milliseconds. */
export interface RoundTrip {
  roundTripMs: number;
}

/** Measures one attempt of a call. */
export interface AttemptTimes {
  /** The reply begins to arrive. */
  onHeader(): void;
}

/** The part of a call's time that belongs to its last attempt. */
type AttemptTiming = Pick<CallTiming, 'queueMs' | 'sendMs' | 'propagationMs' | 'processMs' | 'receiveMs'>;

const NO_ATTEMPT: AttemptTiming = {
  queueMs: 0,
  sendMs: undefined,
  propagationMs: 0,
  processMs: undefined,
  receiveMs: 0,
};

/** Measures one unary call. */
export class CallTimer {
  readonly #clock: Clock;
  readonly #startedAt: number;
  #resolvedAt: number | undefined;
  #firstAt: number | undefined;
  #attempt: TimedAttempt | undefined;

  constructor(clock: Clock, startedAt: number) {
    this.#clock = clock;
    this.#startedAt = startedAt;
  }

  /** The service's instances are known. */
  onResolved(): void {
    this.#resolvedAt = this.#clock.now();
  }

  /** An attempt begins, at an instance. */
  begin(instance: RoundTrip): AttemptTimes {
    const attempt = new TimedAttempt(this.#clock, instance);
    this.#firstAt ??= attempt.startedAt;
    this.#attempt = attempt;
    return attempt;
  }

  /** The attempt has an answer that ends the call. */
  onAnswer(times: AttemptTimes): void {
    if (times instanceof TimedAttempt) this.#attempt = times;
  }

  /** The times of a call that has ended, with the trailing metadata that it got, if any. */
  end(trailer: Metadata | undefined): CallTiming {
    const endedAt = this.#clock.now();
    const resolvedAt = this.#resolvedAt ?? endedAt;
    const firstAt = this.#firstAt ?? endedAt;
    const attempt = this.#attempt;
    return {
      resolveMs: resolvedAt - this.#startedAt,
      connectMs: firstAt - resolvedAt,
      retriesMs: (attempt?.startedAt ?? firstAt) - firstAt,
      ...(attempt === undefined ? NO_ATTEMPT : attempt.end(trailer, endedAt)),
      totalMs: endedAt - this.#startedAt,
    };
  }
}

class TimedAttempt implements AttemptTimes {
  readonly startedAt: number;
  readonly #clock: Clock;
  readonly #instance: RoundTrip;
  /** When the client's event loop came to send the request. */
  #sentAt: number | undefined;
  #answeredAt: number | undefined;

  constructor(clock: Clock, instance: RoundTrip) {
    this.#clock = clock;
    this.#instance = instance;
    this.startedAt = clock.now();
    void yieldToEventLoop().then(() => {
      this.#sentAt ??= clock.now();
    });
  }

  onHeader(): void {
    this.#answeredAt ??= this.#clock.now();
  }

  end(trailer: Metadata | undefined, endedAt: number): AttemptTiming {
    // Durations from the attempt's start: the clock's times are so large that sums with them lose digits.
    const mostMs = endedAt - this.startedAt;
    const server = withinMs(readServerTiming(trailer?.get(SERVER_TIMING)), mostMs);
    const { sendMs = 0, queueMs = 0, busyMs = 0, processMs = 0 } = server ?? {};
    const servedMs = sendMs + queueMs + processMs;
    // The reply may begin to arrive before the server has ended its work. Each time counts once.
    const answeredMs = Math.min(mostMs, Math.max((this.#answeredAt ?? endedAt) - this.startedAt, servedMs));
    const leavingMs = Math.min((this.#sentAt ?? this.startedAt) - this.startedAt, answeredMs);
    const leftMs = answeredMs - leavingMs - servedMs;
    const wayMs = Math.max(0, leftMs);
    // The request may leave before the loop turns.
    const sendingMs = Math.max(0, leavingMs + Math.min(0, leftMs));
    // The request waited at most for as long as the server's loop was busy, and the way took at least what it ever took.
    const waitedMs = Math.min(busyMs, Math.max(0, wayMs - this.#known()));
    if (server !== undefined && busyMs === 0) this.#instance.roundTripMs = Math.min(this.#instance.roundTripMs, wayMs);
    return {
      queueMs: sendingMs + queueMs + waitedMs,
      sendMs: server?.sendMs,
      propagationMs: wayMs - waitedMs,
      processMs: server?.processMs,
      receiveMs: mostMs - answeredMs,
    };
  }

  #known(): number {
    const { roundTripMs } = this.#instance;
    return Number.isFinite(roundTripMs) ? roundTripMs : 0;
  }
}

/** The server's times, as far as they fit into the time of the attempt: clocks run at different speeds, and a server may be wrong. */
function withinMs(server: ServerTiming | undefined, mostMs: number): ServerTiming | undefined {
  if (server === undefined) return undefined;
  const sendMs = Math.min(server.sendMs, mostMs);
  const queueMs = Math.min(server.queueMs, mostMs - sendMs);
  const processMs = Math.min(server.processMs, mostMs - sendMs - queueMs);
  return { ...server, sendMs, queueMs, processMs };
}
