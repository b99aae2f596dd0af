import type { Duration } from '@rondo/contracts/google/protobuf/duration';

/** A duration in milliseconds. */
export function toMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1_000 + nanos / 1e6;
}

/** What is wrong with `ms`, as the end of a sentence; undefined if it is from `min` to `max`. All in milliseconds. */
export function checkMs(ms: number, [min, max]: readonly [number, number]): string | undefined {
  return ms >= min && ms <= max ? undefined : `is ${ms} ms; it must be from ${textOf(min)} to ${textOf(max)}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

function textOf(ms: number): string {
  const [unit, name] = UNITS.find(([size]) => ms % size === 0) ?? [1, 'ms'];
  return `${ms / unit} ${name}`;
}
