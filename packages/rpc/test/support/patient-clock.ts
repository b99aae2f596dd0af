import { type Clock, systemClock } from '../../src/exports/clock.js';

const LONGEST_PAUSE_MS = 500;

/** The system's clock, on which a busy machine reaches no timeout: all but short pauses take a hundred times as long. */
export const patientClock: Clock = {
  now: systemClock.now,
  setTimer: (delayMs, ...rest) => systemClock.setTimer(delayMs <= LONGEST_PAUSE_MS ? delayMs : delayMs * 100, ...rest),
};
