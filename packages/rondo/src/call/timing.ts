import type { CallTiming } from '@rondo/rpc/client';
import type { Paint } from '../terminal/terminal.js';

/** The phases in the order in which a call goes through them, and what each is. */
const PHASES = [
  ['resolve', 'resolveMs', 'waiting for the first lookup of the service'],
  ['connect', 'connectMs', 'waiting for a connection'],
  ['retries', 'retriesMs', 'attempts that failed, and waits between them'],
  ['queue', 'queueMs', 'waiting for busy event loops'],
  ['send', 'sendMs', 'first to last byte of the request'],
  ['propagation', 'propagationMs', 'on the way, there and back'],
  ['process', 'processMs', 'middleware and handler'],
  ['receive', 'receiveMs', 'first to last byte of the reply'],
] as const;

/** The width of the whole call. Characters. */
const WIDTH = 40;

/** The times of a call for people: a line for each phase, with its part of a bar. */
export function toTimingText(timing: CallTiming, paint: Paint): string {
  const { totalMs } = timing;
  let before = 0;
  const lines = PHASES.map(([name, key, what]) => {
    const ms = timing[key];
    if (ms === undefined) return `  ${name.padEnd(11)}   unknown  ${' '.repeat(WIDTH)}  ${paint('dim', TOLD_BY_RONDO)}`;
    const from = cells(before, totalMs);
    before += ms;
    const bar = `${' '.repeat(from)}${'█'.repeat(Math.max(cells(before, totalMs) - from, ms > 0 ? 1 : 0))}`;
    return `  ${name.padEnd(11)} ${format(ms)}  ${paint('cyan', bar.slice(0, WIDTH + 1).padEnd(WIDTH))}  ${paint('dim', what)}`;
  });
  return `${[`total         ${format(totalMs)}`, ...lines].join('\n')}\n`;
}

const TOLD_BY_RONDO = 'only Rondo servers tell';

const cells = (ms: number, totalMs: number): number => (totalMs > 0 ? Math.round((ms / totalMs) * WIDTH) : 0);
const format = (ms: number): string => `${ms.toFixed(ms < 100 ? 2 : 0)} ms`.padStart(10);
