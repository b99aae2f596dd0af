import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type System, startSystem } from '@rondo/harness';
import { configuredMutualTls, type MutualTls } from '@rondo/rpc/internal';
import { startUnsafeLoad } from './src/load.js';

let system: System;
let mutualTls: MutualTls | undefined;

beforeAll(async () => {
  // .ci/long runs it with TLS, too.
  system = await startSystem({ tls: process.env['OUTAGES_TLS'] === 'on' });
  mutualTls = configuredMutualTls(system.certificate('person'));
});

afterAll(async () => {
  await system.stop();
  system.remove();
});

describe('an operator, under a load of calls that may not be repeated', () => {
  it('takes an instance out, puts it back, and drains and kills it without failing a call', async () => {
    const instance = system.addInstance('calculator', 'calculator-op');
    const load = startUnsafeLoad(system.registry, mutualTls);
    const by = () => load.calls.filter((call) => call.instance === 'calculator-op');
    const untilServes = (count: number) => eventually(() => expect(by().length).toBeGreaterThan(count));
    await untilServes(5);

    const cordoned = await system.rondo('cordon', 'calculator-op', '--reason', 'odd answers');
    expect(cordoned).toMatchObject({ code: 0, stdout: expect.stringContaining('calculator-op is cordoned (odd') });
    // From the time when the client has learned of it.
    await eventually(() => expect(load.whyHeld('calculator-op')).toMatch(/^cordoned/));
    const heardAt = performance.now();
    await eventually(() => expect(load.calls.filter(({ begunAt }) => begunAt > heardAt).length).toBeGreaterThan(60));
    expect(by().filter(({ begunAt }) => begunAt > heardAt)).toEqual([]);
    // The check gives an instance a second, which may be too short on a busy machine.
    await eventually(async () => {
      const listed = (await system.rondo('ps', '--check')).stdout;
      expect(listed).toMatch(/^calculator-op .* CORDONED .* ok /m);
      expect(listed).toMatch(/^calculator-op isn't picked: cordoned \d+s ago \(odd answers\)$/m);
    });

    const served = by().length;
    expect((await system.rondo('uncordon', 'calculator-op')).stdout).toBe('calculator-op is put back\n');
    await untilServes(served + 5);

    load.hurry();
    const drained = await system.rondo('drain', 'calculator-op', '--json');
    instance.process.kill('SIGKILL');
    await instance.ended;
    expect(JSON.parse(drained.stdout)).toEqual({
      instanceId: 'calculator-op',
      drained: true,
      outcome: 'idle',
      callsInFlight: 0,
    });
    expect(drained.code).toBe(0);
    const killedAt = performance.now();
    await eventually(() => expect(load.calls.filter(({ begunAt }) => begunAt > killedAt).length).toBeGreaterThan(60));
    await load.end();
    expect(load.calls.filter(({ error }) => error !== undefined)).toEqual([]);
    process.stdout.write(
      `an operator: ${load.calls.length} calls, ${by().length} of them by calculator-op, 0 failed\n`,
    );
  });
});
