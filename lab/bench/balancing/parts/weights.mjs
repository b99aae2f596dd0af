import { countsOf, row } from '../statistics.mjs';

const CALLS = 20_000;
const QUICK_CALLS = 4000;
/** At low load at most one call is in flight; at high load there are always 64. */
const LOADS = [
  { load: 'low load', perSecond: 1000, delayMs: 1 },
  { load: '64 in flight', perSecond: 800, delayMs: 80 },
];

/** Replicas with different registered weights. */
export const weights = {
  name: 'weights',
  about: 'weights 4 : 1, 20,000 calls at low and at high load',
  control: 'round robin',
  async run(testbed, { quick, control }) {
    const heavy = await testbed.replica('heavy', { weight: 400 });
    const light = await testbed.replica('light', { weight: 100 });
    const rows = [];
    for (const balancing of control ? ['round_robin'] : ['weighted_round_robin', 'least_request']) {
      for (const { load, perSecond, delayMs } of LOADS) {
        await Promise.all([heavy, light].map((replica) => replica.behave({ delayMs })));
        const client = await testbed.client({ knows: 2, balancing });
        const { calls } = await client.load({ perSecond, count: quick ? QUICK_CALLS : CALLS });
        await client.close();
        const [many, few] = countsOf(calls, ['heavy', 'light']);
        rows.push(
          row(`${balancing}, ${load}`, {
            measured: `${(many / few).toFixed(2)} : 1`,
            bound: '4 : 1 ± 5 %',
            holds: Math.abs(many / few - 4) <= 0.2,
          }),
        );
      }
    }
    return rows;
  },
};

/** A canary gets its part of the calls. */
export const canary = {
  name: 'canary',
  about: 'one of four replicas is a canary for 5 %, 20,000 calls',
  control: 'without its label',
  async run(testbed, { quick, control }) {
    await testbed.replicas(['a', 'b', 'c']);
    await testbed.replica('canary', control ? {} : { metadata: 'canary=5' });
    const client = await testbed.client({ knows: 4 });
    const { calls } = await client.load({ perSecond: 1000, count: quick ? QUICK_CALLS : CALLS });
    const share = (100 * countsOf(calls, ['canary'])[0]) / calls.length;
    return [
      row("the canary's share", {
        measured: `${share.toFixed(2)} %`,
        bound: '5 % ± 0.5',
        holds: Math.abs(share - 5) <= 0.5,
      }),
    ];
  },
};
