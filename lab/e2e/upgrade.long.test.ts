/**
 * Every process is replaced by one of the present version, and then by one of the version before over the new schema, under a
 * load of all services. No call fails, and nothing is lost.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Fleet, REPLICATED, type Replicated, startFleet } from './src/upgrade/fleet.js';
import { type Held, hold } from './src/upgrade/held.js';
import { startTraffic, type Traffic } from './src/upgrade/traffic.js';
import { buildVersion, commitBefore, present, type Version } from './src/upgrade/version.js';

const commit = await commitBefore();
if (commit === undefined) {
  process.stdout.write('this clone has no history: the upgrade from the version before is left out\n');
}

let before: Version & { remove(): void };
let fleet: Fleet;
let traffic: Traffic;
let held: Held;
let beganAt: number;
const closers: (() => unknown)[] = [];

/** Replaces a service; one replica of each that takes part in an acceptance is killed on the way. */
async function replace(service: Replicated, version: Version): Promise<void> {
  const instances = await fleet.start(service, version);
  // The gateway's HTTP callers don't learn of instances.
  await traffic.untilServedBy(service === 'gateway' ? [] : instances);
  if (service === 'sales' || service === 'project-management') await fleet.kill(service);
  await fleet.stopOldest(service);
  await traffic.untilServedBy([]);
}

// Each step is a test of its own: only a hang takes as long as a test may.
(commit === undefined ? describe.skip : describe)('a fleet under load', () => {
  beforeAll(async () => {
    before = await buildVersion(commit ?? '');
    closers.push(before.remove);
  });
  beforeAll(async () => {
    fleet = await startFleet(before);
    closers.push(fleet.stop);
    traffic = await startTraffic(fleet);
    closers.push(traffic.close);
    beganAt = performance.now();
    await traffic.untilServedBy([]);
  });
  afterAll(async () => {
    for (const close of closers.reverse()) await close();
  });

  describe.each([
    ['upgraded', () => present],
    ['downgraded', () => before],
  ])('is %s:', (_how, version) => {
    it('callers hold etags and tokens of watches', async () => {
      held = await hold(fleet.registry);
      closers.push(held.close);
    });
    it('registry', () => fleet.replaceRegistry(version()));
    it.each(REPLICATED)('%s', (service) => replace(service, version()));
    it('etags are valid, and watches resume', () => held.use());
  });

  it('has failed no call, and lost no effect', async () => {
    const seconds = (performance.now() - beganAt) / 1000;
    await traffic.stop();
    expect({ count: traffic.failures.length, first: traffic.failures.slice(0, 10) }).toEqual({ count: 0, first: [] });
    const { sold } = traffic;
    const ids = sold.map(({ order }) => order);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...traffic.watched()].sort()).toEqual([...ids].sort());
    expect(await traffic.taken()).toBe(sold.reduce((sum, { quantity }) => sum + quantity, 0n));
    const projects = sold.flatMap(({ project }) => (project === '' ? [] : [project]));
    expect(new Set(projects).size).toBe(projects.length);
    process.stdout.write(
      `from ${commit?.slice(0, 8)} and back: ${Math.round(traffic.answered() / seconds)} calls/s for ${Math.round(seconds)} s, ` +
        `${ids.length} orders, ${projects.length} of them by quotes; 0 failed, ${traffic.late()} were late and repeated\n`,
    );
  });
});
