/** Preloaded into a process, so that a busy machine reaches none of its limits of time: they are a hundred times as long. */
import { systemClock } from '@rondo/rpc/clock';

const LONGEST_PAUSE_MS = 500;
const LONGEST_LIMIT_MS = 3_600_000;
const { setTimer } = systemClock;
const isLimit = (delayMs) => delayMs > LONGEST_PAUSE_MS && delayMs <= LONGEST_LIMIT_MS;

Object.assign(systemClock, {
  setTimer: (delayMs, ...rest) => setTimer(isLimit(delayMs) ? delayMs * 100 : delayMs, ...rest),
});
