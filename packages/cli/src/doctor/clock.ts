import type { TimeReading } from '../registry/index.js';
import type { Finding } from './finding.js';

/** This code is younger than any clock that shows an earlier year. */
const FIRST_YEAR = 2026;
const LAST_YEAR = 2100;
/** Deadlines travel as durations: clocks that are apart harm logs, ages and what is stored, not calls. */
const MAX_SKEW_MS = 2_000;
const NTP = 'set it by NTP (timedatectl set-ntp true; macOS: sntp -sS time.apple.com)';

/** Judges the clock here: by the year it shows, and by the registry's where that could be asked. */
export function judgeClock(nowMs: number, reading: TimeReading | undefined): Finding {
  const time = new Date(nowMs).toISOString();
  const year = new Date(nowMs).getUTCFullYear();
  if (year < FIRST_YEAR || year > LAST_YEAR) {
    const detail = `${time} can't be right: certificates, and all that is stored with a time, will be wrong`;
    return { name: 'clock', state: 'fail', detail, remedy: NTP };
  }
  if (reading?.registryMs === undefined)
    return { name: 'clock', state: 'ok', detail: `${time}, compared with no other` };
  const { askedAtMs, answeredAtMs, registryMs } = reading;
  const skewMs = registryMs - (askedAtMs + answeredAtMs) / 2;
  const uncertainMs = (answeredAtMs - askedAtMs) / 2;
  if (Math.abs(skewMs) - uncertainMs <= MAX_SKEW_MS) {
    return { name: 'clock', state: 'ok', detail: `${time}; the registry's is within ${within(skewMs, uncertainMs)}` };
  }
  const apart = `${(Math.abs(skewMs) / 1_000).toFixed(1)} s ${skewMs < 0 ? 'behind' : 'ahead'}`;
  const detail = `the registry's is ${apart}: the times in logs, and ages, can't be compared`;
  return { name: 'clock', state: 'warn', detail, remedy: `${NTP}, here or where the registry runs` };
}

function within(skewMs: number, uncertainMs: number): string {
  const mostMs = Math.abs(skewMs) + uncertainMs;
  return mostMs < 1_000 ? `${Math.ceil(mostMs)} ms` : `${(mostMs / 1_000).toFixed(1)} s`;
}
