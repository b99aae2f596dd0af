import { setImmediate, setTimeout } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import { ManualClock } from '@rondo/rpc/testing';
import { Instruments } from './instruments.js';
import { meterRuntime } from './runtime.js';

let stop: () => void = () => undefined;
afterEach(() => stop());

function start() {
  const clock = new ManualClock();
  const instruments = new Instruments();
  stop = meterRuntime(instruments.meter, clock);
  /** What a reader gets. */
  const read = async (name: string): Promise<number> => {
    const { metrics } = await instruments.collect();
    const value = metrics.find((metric) => metric.name === `nodejs.eventloop.${name}`)?.points[0]?.value;
    if (typeof value !== 'number') throw new Error(`no value of ${name}`);
    return value;
  };
  return { clock, read };
}

const STALL_MS = 1_000;

/** Holds up the event loop, and lets it turn until the timer of the delays has noticed. */
async function stall(): Promise<void> {
  await turn();
  for (const end = performance.now() + STALL_MS; performance.now() < end; );
  await turn();
}

/** On a busy machine this timer may run before that of the delays, which is due as well; an immediate runs after all of them. */
async function turn(): Promise<void> {
  await setTimeout(30);
  await setImmediate();
}

it('every reader learns that the event loop stood still, whoever has read before', async () => {
  const { clock, read } = start();
  await stall();
  for (let reader = 0; reader < 6; reader += 1) {
    expect(await read('delay.max')).toBeGreaterThan(STALL_MS / 2_000);
    expect(await read('utilization')).toBeGreaterThan(0.01);
    await clock.advance(5_000);
  }
});

it('and no reader after two minutes', async () => {
  const { clock, read } = start();
  await stall();
  const stalled = await read('delay.max');
  for (let passed = 0; passed < 2; passed += 1) {
    await clock.advance(60_000);
    await read('delay.max');
    await turn();
  }
  expect(await read('delay.max')).toBeLessThan(stalled);
});
