import { type Row, SAFE } from '../row.js';
import { pass } from '../time.js';

const CLIENTS = 3;
const NEWCOMERS = ['replica-3', 'replica-4'];

/** Replicas come, and go again. */
export const scale: Row = {
  name: 'scale',
  fault: 'scale 2 → 4 → 2',
  bound: 'newcomers picked by every client ≤ 2 s after they listen; 0 failed',
  control: 'the client asks the registry every 15 s',
  without: 'watch',
  async run({ scene, verdict, without, lasts }) {
    await scene.startRegistry();
    const first = ['replica-1', 'replica-2'];
    await Promise.all(first.map((id) => scene.startReplica(id)));
    const options = { ...SAFE, callsPerSecond: SAFE.callsPerSecond / CLIENTS, ...(without && { without }) };
    const loads = Array.from({ length: CLIENTS }, () => scene.startLoad(options));
    await Promise.all(loads.map((load) => load.untilServed(first)));

    const newcomers = await Promise.all(NEWCOMERS.map((id) => scene.startReplica(id)));
    const pickedMs = await Promise.all(
      loads.map(async (load) => {
        const pickedAt = await load.untilServed(NEWCOMERS, 0);
        return newcomers.map(({ listenedAt }, index) => (pickedAt[index] ?? Number.POSITIVE_INFINITY) - listenedAt);
      }),
    );
    verdict.within('newcomers picked after', Math.max(...pickedMs.flat()), 2_000);
    await pass(lasts(5_000, 1_000));
    await Promise.all(newcomers.map((newcomer) => newcomer.end()));
    await pass(lasts(5_000, 1_000));
    verdict.noFailures((await Promise.all(loads.map((load) => load.stop()))).flat());
  },
};
