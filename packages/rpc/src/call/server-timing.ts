import type { MetadataValue } from './metadata.js';

// How a client asks a server where the time of a call goes, and how the server answers.

/** The metadata key by which a client asks a server for its part of the call's times. The server replaces the value. */
export const TIMING_REQUEST = 'rondo-timing';
/** The trailing metadata key of the answer. Source: https://www.w3.org/TR/server-timing */
export const SERVER_TIMING = 'server-timing';

/** How a request arrived at its server. Milliseconds. */
export interface RequestArrival {
  /** From the first byte of the request to the last, without {@link queueMs}. */
  readonly sendMs: number;
  /** For how long the server's event loop was busy in that time. */
  readonly queueMs: number;
  /** How long the event loop had been busy when it read the first byte: the request waited for part of that. */
  readonly busyMs: number;
}

/** The part of a call's time that its server measures. Milliseconds. */
export interface ServerTiming extends RequestArrival {
  /** In middleware and handler. */
  readonly processMs: number;
}

/** The text of the answer. */
export function formatServerTiming({ sendMs, queueMs, busyMs, processMs }: ServerTiming): string {
  const entries = Object.entries({ send: sendMs, queue: queueMs, busy: busyMs, process: processMs });
  return entries.map(([name, ms]) => `${name};dur=${Math.round(Math.max(ms, 0) * 1_000) / 1_000}`).join(', ');
}

/** Reads the answer; undefined if an entry is missing. */
export function readServerTiming(value: MetadataValue | undefined): ServerTiming | undefined {
  if (typeof value !== 'string') return undefined;
  const [sendMs, queueMs, busyMs, processMs] = ['send', 'queue', 'busy', 'process'].map((name) => entry(value, name));
  if (sendMs === undefined || queueMs === undefined || busyMs === undefined || processMs === undefined)
    return undefined;
  return { sendMs, queueMs, busyMs, processMs };
}

function entry(value: string, name: string): number | undefined {
  const [, duration] = new RegExp(`(?:^|,\\s*)${name};dur=(\\d{1,9}(?:\\.\\d{1,9})?)`).exec(value) ?? [];
  return duration === undefined ? undefined : Number(duration);
}
