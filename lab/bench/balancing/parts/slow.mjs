import { quantiles } from '../../report/figures.mjs';
import { between, percent, row, shareOf } from '../statistics.mjs';
import { timeline } from '../testbed.mjs';

const THREE = ['a', 'b', 'c'];
const DELAY_MS = 10;
const TIMES = 20;
/** When a replica becomes slow, and the time after that in which clients must adapt. Seconds. */
const HEALTHY_S = 6;
const SETTLED_S = 10;
const POLICIES = ['least_request', 'weighted_round_robin?weights=load', 'round_robin'];

/** One of three replicas is slower than the others in every method. */
export const slow = {
  name: 'slow',
  about: 'one of three replicas 20 times slower, at 300 calls a second',
  control: 'each in turn, whatever becomes of the calls',
  async run(testbed, { quick, control }) {
    const replicas = await testbed.replicas(THREE, { delayMs: DELAY_MS });
    const measuredS = quick ? 5 : 15;
    const rows = [];
    for (const balancing of control ? ['naive'] : POLICIES) {
      const client = await testbed.client({ knows: 3, balancing, naive: control });
      const run = await timeline(client, {
        perSecond: 300,
        seconds: HEALTHY_S + SETTLED_S + measuredS,
        events: [{ at: HEALTHY_S, run: () => replicas[2].behave({ slow: { add: TIMES } }) }],
      });
      await client.close();
      await replicas[2].behave({ slow: {} });
      rows.push(...judge(run, { balancing, measuredS }));
    }
    return rows;
  },
};

function judge({ calls, origin }, { balancing, measuredS }) {
  const p99 = (span) => quantiles(between(calls, origin, span).map(({ tookMs }) => tookMs)).p99;
  const settled = [HEALTHY_S + SETTLED_S, HEALTHY_S + SETTLED_S + measuredS];
  const before = p99([1, HEALTHY_S]);
  const after = p99(settled);
  const share = shareOf(between(calls, origin, settled), 'c');
  return [
    row(`${balancing}: its share after ${SETTLED_S} s`, {
      measured: percent(share),
      bound: '< 10 %',
      holds: share < 0.1,
    }),
    row(`${balancing}: p99 after ${SETTLED_S} s, against before`, {
      measured: `${after.toFixed(1)} ms, ${before.toFixed(1)} ms`,
      bound: '≤ 2 ×',
      holds: after <= 2 * before,
    }),
  ];
}

/** One of two replicas is slow. Neither is ejected for that, so only the policy decides. */
export const slowOfTwo = {
  name: 'slow-of-two',
  about: 'one of two replicas 20 times slower, at 300 calls a second: what the policy does, without ejection',
  control: 'round robin',
  async run(testbed, { quick, control }) {
    const [, b] = await testbed.replicas(['a', 'b'], { delayMs: DELAY_MS });
    const measuredS = quick ? 5 : 10;
    const rows = [];
    for (const balancing of control ? ['round_robin'] : POLICIES.slice(0, 2)) {
      const client = await testbed.client({ knows: 2, balancing });
      const { calls, origin } = await timeline(client, {
        perSecond: 300,
        seconds: SETTLED_S + measuredS,
        events: [{ at: 0, run: () => b.behave({ slow: { add: TIMES } }) }],
      });
      await client.close();
      await b.behave({ slow: {} });
      const share = shareOf(between(calls, origin, [SETTLED_S, SETTLED_S + measuredS]), 'b');
      rows.push(row(`${balancing}: its share`, { measured: percent(share), bound: '< 10 %', holds: share < 0.1 }));
    }
    return rows;
  },
};

/** One of three replicas is slow in one of the two methods that are called. */
export const slowMethod = {
  name: 'slow-method',
  about: 'one of three replicas 20 times slower in one method, two methods called 150 times a second each',
  control: 'each in turn; the replica is slow in both',
  async run(testbed, { quick, control }) {
    const replicas = await testbed.replicas(THREE, { delayMs: DELAY_MS });
    await replicas[2].behave({ slow: { add: TIMES } });
    const rows = [];
    for (const balancing of control ? ['naive'] : POLICIES) {
      const client = await testbed.client({ knows: 3, balancing, naive: control });
      const measuredS = quick ? 5 : 10;
      const { calls, origin } = await timeline(client, {
        perSecond: 300,
        seconds: SETTLED_S + measuredS,
        methods: ['add', 'subtract'],
      });
      await client.close();
      const settled = between(calls, origin, [SETTLED_S, SETTLED_S + measuredS]);
      const shareIn = (method) =>
        shareOf(
          settled.filter((call) => call.method === method),
          'c',
        );
      const [add, subtract] = [shareIn('add'), shareIn('subtract')];
      rows.push(
        row(`${balancing}: its share of the method it is slow in`, {
          measured: percent(add),
          bound: '< 10 %',
          holds: add < 0.1,
        }),
        row(`${balancing}: its share of the other`, {
          measured: percent(subtract),
          bound: '33 % ± 5 points',
          holds: Math.abs(subtract - 1 / 3) <= 0.05,
          guarded: false,
        }),
      );
    }
    return rows;
  },
};
