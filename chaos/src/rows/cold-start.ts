import { type Row, SAFE, startThree } from '../row.js';
import { now, pass } from '../time.js';

/** A client starts while no registry is up. */
export const coldStart: Row = {
  name: 'cold-start',
  fault: 'every registry down before a client starts, last-known-good file present',
  bound: '0 failed',
  control: 'no file',
  async run(stage) {
    const { scene, verdict, control } = stage;
    const { registry, load } = await startThree(stage);
    const cache = { RONDO_REGISTRY_CACHE: scene.folder };
    const earlier = scene.startLoad(SAFE, cache);
    await earlier.untilServed(['replica-1']);
    await pass(2_000);
    await registry.stop('SIGKILL');
    verdict.noFailures(await earlier.stop(), 'of an earlier client');
    const startedAt = now();
    const late = scene.startLoad(SAFE, control ? {} : cache);
    await pass(stage.lasts(8_000, 4_000));
    const calls = await late.stop();
    verdict.noFailures(calls, 'of the late client');
    verdict.note(`its first call ended after ${Math.round((calls[0]?.at ?? 0) + (calls[0]?.ms ?? 0) - startedAt)} ms`);
    verdict.noFailures(await load.stop(), 'of one that was there');
  },
};
