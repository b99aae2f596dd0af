import { idleMs, systemClock } from '@rondo/base';

/** The interval at which the idle time is read, because each reading is costly. Milliseconds. */
const INTERVAL_MS = 5;
/** A loop that had less of its time for work wasn't busy all the time. */
const BUSY_SHARE = 0.9;

let notedAt = Number.NEGATIVE_INFINITY;
let idleThenMs = 0;

/** Notes that this process's event loop begins with work that may be long: a call. */
export function noteWork(): void {
  const now = systemClock.now();
  if (now - notedAt < INTERVAL_MS) return;
  notedAt = now;
  idleThenMs = idleMs();
}

/**
 * How long the event loop has been busy without a pause, counted from the call with which that began. 0 after a
 * pause. Milliseconds.
 */
export function busyLoopMs(): number {
  const passedMs = systemClock.now() - notedAt;
  const busyMs = passedMs - (idleMs() - idleThenMs);
  return Number.isFinite(passedMs) && busyMs > passedMs * BUSY_SHARE ? busyMs : 0;
}
