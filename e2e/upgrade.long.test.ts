/**
 * Every process is replaced by one of the present version, and then by one of the version before over the new schema, under a
 * load of all services. No call fails, and nothing is lost.
 */
import { afterAll, expect, it } from '@jest/globals';
import { type Fleet, REPLICATED, startFleet } from './src/upgrade/fleet.js';
import { startTraffic, type Traffic } from './src/upgrade/traffic.js';
import { buildVersion, commitBefore, present, type Version } from './src/upgrade/version.js';

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** Replaces the fleet, service by service; in the middle, one replica of each that takes part in an acceptance is killed. */
async function replaceAll(fleet: Fleet, traffic: Traffic, version: Version): Promise<void> {
  await fleet.replaceRegistry(version);
  for (const service of REPLICATED) {
    const instances = await fleet.start(service, version);
    // The gateway's HTTP callers don't learn of instances.
    await traffic.untilServedBy(service === 'gateway' ? [] : instances);
    if (service === 'sales' || service === 'project-management') await fleet.kill(service);
    await fleet.stopOldest(service);
    await traffic.untilServedBy([]);
  }
}

it('a fleet is upgraded and downgraded under load without a failed call or a lost effect', async () => {
  const commit = await commitBefore();
  if (commit === undefined) {
    process.stdout.write('this clone has no history: the upgrade from the version before was left out\n');
    return;
  }
  const before = await buildVersion(commit);
  closers.push(before.remove);
  const fleet = await startFleet(before);
  closers.push(fleet.stop);
  const traffic = await startTraffic(fleet);
  closers.push(traffic.close);
  const beganAt = performance.now();
  await traffic.untilServedBy([]);
  await replaceAll(fleet, traffic, present);
  await replaceAll(fleet, traffic, before);
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
    `from ${commit.slice(0, 8)} and back: ${Math.round(traffic.answered() / seconds)} calls/s for ${Math.round(seconds)} s, ` +
      `${ids.length} orders, ${projects.length} of them by quotes; 0 failed, ${traffic.late()} were late and repeated\n`,
  );
});
