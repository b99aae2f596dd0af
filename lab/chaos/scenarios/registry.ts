import { SAFE, type Scenario, startThree } from '../scenario.js';
import { ownId } from '../testbed/registry.js';
import { now, pass } from '../time.js';

/** The registry is away for a long time and comes back empty, while replicas come and go. */
export const registryAway: Scenario = {
  name: 'registry-away',
  fault: 'registry stopped for 2 minutes, restarted empty, replicas scaled 3 → 2 → 4 meanwhile',
  bound: '0 failed; all back ≤ 10 s; rondo ps lists exactly the live ones after TTL + 1 s',
  control: 'the client takes no answer for no instance',
  without: 'last-known-good',
  short: true,
  async run(context) {
    const { testbed, verdict } = context;
    const { registry, third, load } = await startThree(context);
    const quarterMs = context.lasts(120_000, 8_000) / 4;
    await registry.stop();
    await pass(quarterMs);
    await third.stop();
    await pass(quarterMs);
    await Promise.all(['replica-4', 'replica-5'].map((id) => testbed.startReplica(id)));
    await pass(2 * quarterMs);
    const returnedAt = await registry.restart();
    const live = ['replica-1', 'replica-2', 'replica-4', 'replica-5'];
    verdict.within('all back after', (await registry.untilListed(live, 30_000)) - returnedAt, 10_000);
    await pass(returnedAt + testbed.ttlMs + 1_000 - performance.timeOrigin - performance.now());
    const listed = idsOf(await testbed.rondo('ps', '--json'));
    verdict.check(`rondo ps lists ${listed.join(', ')}`, listed.join() === live.join());
    await load.untilServed(live);
    verdict.noFailures(await load.stop());
  },
};

function idsOf(json: string): readonly string[] {
  const listing: { instances: readonly { instanceId: string }[] } = JSON.parse(json);
  return listing.instances.map(({ instanceId }) => ownId(instanceId)).sort();
}

/** The registry is frozen: a client that learns of deaths only from the registry goes on calling a dead replica. */
export const registryFrozen: Scenario = {
  name: 'registry-frozen',
  fault: 'registry frozen (SIGSTOP) for 1 minute, a replica killed meanwhile',
  bound: '0 failed',
  control: 'the client ignores the state of its connections, and retries nothing on another instance',
  without: 'elsewhere',
  async run(context) {
    const { registry, third, load } = await startThree(context);
    const halfMs = context.lasts(60_000, 6_000) / 2;
    registry.signal('SIGSTOP');
    await pass(halfMs);
    await third.stop('SIGKILL');
    await pass(halfMs);
    registry.signal('SIGCONT');
    // Long enough for what it has missed to reach every client.
    await pass(4_000);
    context.verdict.noFailures(await load.stop());
  },
};

/** A client starts while no registry is up. It has a file of the last known instances. */
export const coldStart: Scenario = {
  name: 'cold-start',
  fault: 'every registry down before a client starts, last-known-good file present',
  bound: '0 failed',
  control: 'no file',
  async run(context) {
    const { testbed, verdict, control } = context;
    const { registry, load } = await startThree(context);
    const cache = { RONDO_REGISTRY_CACHE: testbed.folder };
    const earlier = testbed.startLoad(SAFE, cache);
    await earlier.untilServed(['replica-1']);
    await pass(2_000);
    await registry.stop('SIGKILL');
    verdict.noFailures(await earlier.stop(), 'of an earlier client');
    const startedAt = now();
    const late = testbed.startLoad(SAFE, control ? {} : cache);
    await pass(context.lasts(8_000, 4_000));
    const calls = await late.stop();
    verdict.noFailures(calls, 'of the late client');
    verdict.note(`its first call ended after ${Math.round((calls[0]?.at ?? 0) + (calls[0]?.ms ?? 0) - startedAt)} ms`);
    verdict.noFailures(await load.stop(), 'of one that ran before');
  },
};
