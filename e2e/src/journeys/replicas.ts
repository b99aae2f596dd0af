import { describe, expect, it } from '@jest/globals';
import { eventually } from '@rondo/harness';
import { ask } from '../ask.js';
import { toProgress } from '../load.js';
import { toTally } from '../tally.js';
import { system } from './system.js';

/** A call whose deadline of 20 s a busy machine keeps, too. */
const EVALUATE = ['call', 'calculator.v1.CalculatorService/EvaluatePart', '{"expressions": ["2 + 3"]}', '--json'];

describe('journey 2: replicas come and go', () => {
  it('fails no call when one is killed, and uses a fourth when it appears', async () => {
    const caller = system.startRondo(...EVALUATE, '--rate', '100', '--concurrency', '8', '--progress');
    const served = (instance: string) => toProgress(caller.output().stderr)?.instances[instance] ?? 0;
    await eventually(() => expect(served('calculator-2')).toBeGreaterThan(0));
    process.kill(system.pid('calculator-2'), 'SIGKILL');
    system.addInstance('calculator', 'calculator-4');
    await eventually(() => expect(served('calculator-4')).toBeGreaterThan(10));
    caller.process.kill('SIGINT');
    const { failed, codes } = toTally((await caller.ended).stdout);
    expect({ failed, codes: Object.keys(codes) }).toEqual({ failed: 0, codes: ['OK'] });
    expect(system.stderr()).toContain('calculator-2 has ended (SIGKILL) and stays down, as --no-restart says');
    const [listed] = await ask(system.data, { command: 'processes' });
    expect(listed?.processes).toContainEqual(expect.objectContaining({ name: 'calculator-2', state: 'ended' }));
    const restarted = await ask(system.data, { command: 'restart', name: 'calculator-2' });
    expect(restarted.at(-1)?.rows?.map(({ name }) => name)).toEqual(['calculator-2']);
  });
});
