import { between, percent, row } from '../statistics.mjs';
import { timeline } from '../testbed.mjs';

const HOME = 'eu/a';
const AWAY = 'eu/b';
const PER_SECOND = 200;
/** How long each state lasts, in seconds: less than a lease, during which the registry still lists the dead replicas. */
const STATE_S = 7;

/** Two zones of two replicas each. The replicas of the caller's zone die one after the other. */
export const zones = {
  name: 'zones',
  about: "the caller's zone healthy, half dead, dead; 200 calls a second",
  control: 'each in turn, whatever becomes of the calls',
  async run(testbed, { control }) {
    const home = await testbed.replicas(['a1', 'a2'], { zone: HOME, delayMs: 5 });
    await testbed.replicas(['b1', 'b2'], { zone: AWAY, delayMs: 5 });
    const client = await testbed.client({ knows: 4, zone: HOME, balancing: 'zone_aware', naive: control });
    const { calls, origin } = await timeline(client, {
      perSecond: PER_SECOND,
      seconds: 3 * STATE_S,
      events: home.map((replica, index) => ({ at: (index + 1) * STATE_S, run: () => replica.kill() })),
    });
    const state = (index) => between(calls, origin, [index * STATE_S, (index + 1) * STATE_S]);
    const failed = (all) => all.filter(({ code }) => code !== 'OK').length;
    const local = (all) => all.filter(({ instance }) => instance.startsWith('a')).length / all.length;
    const away = 1 - local(between(calls, origin, [STATE_S + 1, 2 * STATE_S]));
    return [
      row('healthy: calls that stay', {
        measured: percent(local(state(0))),
        bound: '≥ 95 %',
        holds: local(state(0)) >= 0.95,
      }),
      row('half dead: calls that leave', {
        measured: percent(away),
        bound: '15 to 45 %',
        holds: away >= 0.15 && away <= 0.45,
      }),
      row('half dead: failed', {
        measured: `${failed(state(1))} of ${state(1).length}`,
        bound: '0',
        holds: failed(state(1)) === 0,
      }),
      row('dead: failed', {
        measured: `${failed(state(2))} of ${state(2).length}`,
        bound: '0',
        holds: failed(state(2)) === 0,
      }),
    ];
  },
};
