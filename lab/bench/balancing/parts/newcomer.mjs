import { between, percent, row, shareOf } from '../statistics.mjs';
import { timeline } from '../testbed.mjs';

const WINDOW_S = 10;
const FULL = 1 / 4;
const BEFORE_S = 3;
const AFTER_S = 4;

/** A replica starts while three are under load: slow start. */
export const newcomer = {
  name: 'newcomer',
  about: 'a fourth replica comes while three take 500 calls a second; slow start takes 10 s',
  control: 'slow_start=0s',
  async run(testbed, { control }) {
    await testbed.replicas(['a', 'b', 'c'], { delayMs: 5 });
    const client = await testbed.client({ knows: 3, balancing: `round_robin?slow_start=${control ? 0 : WINDOW_S}s` });
    const { calls } = await timeline(client, {
      perSecond: 500,
      seconds: BEFORE_S + WINDOW_S + AFTER_S + 1,
      events: [{ at: BEFORE_S, run: () => testbed.replica('d', { delayMs: 5 }) }],
    });
    const cameAt = Math.min(...calls.filter(({ instance }) => instance === 'd').map(({ at }) => at));
    const shares = Array.from({ length: WINDOW_S }, (_, second) =>
      shareOf(between(calls, cameAt, [second, second + 1]), 'd'),
    );
    const off = shares.map((share, second) => Math.abs(share - rampShare((second + 0.5) / WINDOW_S)));
    const falls = Math.max(...shares.slice(1).map((share, index) => shares[index] - share));
    const whole = shareOf(between(calls, cameAt, [WINDOW_S + 1, WINDOW_S + AFTER_S - 1]), 'd');
    return [
      row('its share in its first second', {
        measured: percent(shares[0]),
        bound: '≤ 5 %',
        holds: shares[0] <= 0.05,
      }),
      row('its share, second by second', {
        measured: shares.map((share) => (100 * share).toFixed(0)).join(' '),
        bound: '',
        holds: true,
        guarded: false,
      }),
      row('distance from a straight rise, at most', {
        measured: `${(100 * Math.max(...off)).toFixed(1)} points`,
        bound: '≤ 5 points',
        holds: Math.max(...off) <= 0.05,
      }),
      row('how much it falls from a second to the next', {
        measured: `${(100 * Math.max(0, falls)).toFixed(1)} points`,
        bound: '≤ 2 points',
        holds: falls <= 0.02,
        guarded: false,
      }),
      row('its share after that', {
        measured: percent(whole),
        bound: '25 % ± 2 points',
        holds: Math.abs(whole - FULL) <= 0.02,
        guarded: false,
      }),
    ];
  },
};

/** The share of calls of one replica of four, when slow start has raised its weight to `ramp` of theirs. */
const rampShare = (ramp) => ramp / (3 + ramp);
