import {
  between,
  countsOf,
  failedShare,
  leftOutAfter,
  percent,
  row,
  seconds,
  shareOf,
  unevenness,
} from '../statistics.mjs';
import { timeline } from '../testbed.mjs';

const THREE = ['a', 'b', 'c'];
const BEFORE_S = 3;

/** One of three replicas fails every call. */
export const internal = {
  name: 'internal',
  about: 'one of three replicas answers INTERNAL to everything, for a minute; 300 and 30 calls a second',
  control: 'each in turn, whatever becomes of the calls',
  async run(testbed, { quick, control }) {
    const [, , sick] = await testbed.replicas(THREE, { delayMs: 5 });
    const rates = [300, 30];
    const clients = await Promise.all(rates.map(() => testbed.client({ knows: 3, naive: control })));
    const minuteS = quick ? 20 : 60;
    const events = [{ at: BEFORE_S, run: () => sick.behave({ failure: 'INTERNAL' }) }];
    const runs = await Promise.all(
      clients.map((client, index) =>
        timeline(client, { perSecond: rates[index], seconds: BEFORE_S + minuteS, events: index === 0 ? events : [] }),
      ),
    );
    return runs.flatMap(({ calls, origin }, index) => {
      const minute = between(calls, origin, [BEFORE_S, BEFORE_S + minuteS]);
      const leftOutMs = leftOutAfter(minute, origin + BEFORE_S * 1000, { instance: 'c' });
      const failed = failedShare(minute);
      const rate = `${rates[index]} calls/s`;
      return [
        row(`${rate}: ejected after`, {
          measured: seconds(leftOutMs),
          bound: '≤ 2 s',
          holds: leftOutMs <= 2000,
        }),
        row(`${rate}: errors of ${minuteS} s`, {
          measured: `${(100 * failed).toFixed(2)} %`,
          bound: '< 1 %',
          holds: failed < 0.01,
        }),
      ];
    });
  },
};

/** One of three replicas answers errors that are not faults of its own. */
export const notFound = {
  name: 'not-found',
  about: 'one of three replicas answers NOT_FOUND to everything, at 300 calls a second',
  control: 'it answers INTERNAL',
  async run(testbed, { quick, control }) {
    const [, , sick] = await testbed.replicas(THREE, { delayMs: 5 });
    await sick.behave({ failure: control ? 'INTERNAL' : 'NOT_FOUND' });
    const client = await testbed.client({ knows: 3 });
    const { calls } = await timeline(client, { perSecond: 300, seconds: quick ? 5 : 20 });
    const share = shareOf(calls, 'c');
    return [
      row('its share', {
        measured: percent(share),
        bound: '33 % ± 2 points',
        holds: Math.abs(share - 1 / 3) <= 0.02,
      }),
    ];
  },
};

/** All replicas fail. */
export const allFailing = {
  name: 'all-failing',
  about: 'all three replicas answer INTERNAL, at 300 calls a second',
  control: 'one of them works',
  async run(testbed, { quick, control }) {
    const replicas = await testbed.replicas(THREE, { delayMs: 5 });
    const client = await testbed.client({ knows: 3 });
    const sick = control ? replicas.slice(0, 2) : replicas;
    const seconds = quick ? 8 : 20;
    const { calls, origin } = await timeline(client, {
      perSecond: 300,
      seconds: BEFORE_S + seconds,
      events: [
        { at: BEFORE_S, run: () => Promise.all(sick.map((replica) => replica.behave({ failure: 'INTERNAL' }))) },
      ],
    });
    const counts = countsOf(between(calls, origin, [BEFORE_S + 2, BEFORE_S + seconds]), THREE);
    return [
      row('calls of each replica', {
        measured: `${counts.join('/')}, ± ${(100 * unevenness(counts)).toFixed(1)} %`,
        bound: '± 15 %, none left out',
        holds: unevenness(counts) <= 0.15,
      }),
    ];
  },
};
