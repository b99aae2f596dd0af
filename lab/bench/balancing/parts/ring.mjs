import { setTimeout as sleep } from 'node:timers/promises';
import { countsOf, percent, row } from '../statistics.mjs';

const IDS = Array.from({ length: 10 }, (_, index) => `node-${index}`);

/** `ring_hash`: keys over ten replicas, of which one leaves. */
export const ringHash = {
  name: 'ring-hash',
  about: 'keys over ten replicas, of which one leaves',
  control: 'round robin',
  async run(testbed, { quick, control }) {
    const keys = Array.from({ length: quick ? 1000 : 4000 }, (_, index) => `customers/${index}`);
    const replicas = await testbed.replicas(IDS);
    const balancing = control ? 'round_robin' : 'ring_hash';
    const [one, other] = [
      await testbed.client({ knows: 10, balancing }),
      await testbed.client({ knows: 10, balancing }),
    ];
    const before = await one.sequence({ keys });
    const elsewhere = await other.sequence({ keys });
    await replicas[9].kill();
    await sleep(500);
    const after = await one.sequence({ keys });
    const counts = countsOf(before, IDS);
    const mean = keys.length / IDS.length;
    const moved = before.filter(({ instance }, index) => instance !== after[index].instance);
    const needlessly = moved.filter(({ instance }) => instance !== IDS[9]).length;
    const agreed = before.filter(({ instance }, index) => instance === elsewhere[index].instance).length;
    return [
      row('keys that move', {
        measured: percent(moved.length / keys.length),
        bound: '≤ 15 %',
        holds: moved.length <= 0.15 * keys.length,
      }),
      row('keys of the other replicas that move', {
        measured: String(needlessly),
        bound: '0',
        holds: needlessly === 0,
      }),
      row('the largest share of keys, by the mean', {
        measured: `${(Math.max(...counts) / mean).toFixed(2)} ×`,
        bound: '≤ 1.25 ×',
        holds: Math.max(...counts) <= 1.25 * mean,
        guarded: false,
      }),
      row('keys for which two processes agree', {
        measured: percent(agreed / keys.length),
        bound: '100 %',
        holds: agreed === keys.length,
      }),
    ];
  },
};
