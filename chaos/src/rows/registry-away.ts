import { type Row, startThree } from '../row.js';
import { pass } from '../time.js';

/** The registry is gone for a long time and comes back knowing nobody, while replicas come and go. */
export const registryAway: Row = {
  name: 'registry-away',
  fault: 'registry stopped for 2 minutes, restarted empty, replicas scaled 3 → 2 → 4 meanwhile',
  bound: '0 failed; all back ≤ 10 s; rondo ps lists just the live ones after TTL + 1 s',
  control: 'the client believes that no answer means no instance',
  without: 'last-known-good',
  short: true,
  async run(stage) {
    const { scene, verdict } = stage;
    const { registry, third, load } = await startThree(stage);
    const quarterMs = stage.lasts(120_000, 8_000) / 4;
    await registry.stop();
    await pass(quarterMs);
    await third.end();
    await pass(quarterMs);
    await Promise.all(['replica-4', 'replica-5'].map((id) => scene.startReplica(id)));
    await pass(2 * quarterMs);
    const returnedAt = await registry.restart();
    const live = ['replica-1', 'replica-2', 'replica-4', 'replica-5'];
    verdict.within('all back after', (await registry.untilListed(live, 30_000)) - returnedAt, 10_000);
    await pass(returnedAt + scene.ttlMs + 1_000 - performance.timeOrigin - performance.now());
    const listed = idsOf(await scene.rondo('ps', '--json'));
    verdict.check(`rondo ps lists ${listed.join(', ')}`, listed.join() === live.join());
    await load.untilServed(live);
    verdict.noFailures(await load.stop());
  },
};

function idsOf(json: string): readonly string[] {
  const listing: { instances: readonly { instanceId: string }[] } = JSON.parse(json);
  return listing.instances.map(({ instanceId }) => instanceId).sort();
}
