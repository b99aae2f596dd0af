import { describe, expect, it } from '@jest/globals';
import { summarise } from './statistics.mjs';

const turn = (perSecond: number, more: object = {}) => ({
  perSecond,
  p50: 1,
  p99: 2,
  clientCpuUs: 60,
  serverCpuUs: 40,
  foreignShare: 0,
  disturbed: false,
  ...more,
});
const base = { contender: 'grpc-js', turns: [turn(100), turn(200), turn(400)] };

describe('summarise', () => {
  it('takes the ratio in each round, and then the median', () => {
    // The medians of each alone would be 200 and 150.
    const peer = { contender: 'peer', turns: [turn(150), turn(100), turn(600)] };
    expect(summarise([base, peer])[1]).toMatchObject({ perSecond: 150, ratio: 1.5, low: 0.5, high: 1.5 });
  });

  it('is noise if a round was slower and another faster, and if there was only one round', () => {
    const both = { contender: 'both', turns: [turn(90), turn(220), turn(440)] };
    const faster = { contender: 'faster', turns: [turn(101), turn(202), turn(404)] };
    expect(summarise([base, both, faster]).map(({ noise }) => noise)).toEqual([false, true, false]);
    const once = { contender: 'once', turns: [turn(900)] };
    expect(summarise([{ ...base, turns: base.turns.slice(0, 1) }, once])[1]).toMatchObject({ ratio: 9, noise: true });
  });

  it('compares times and the processor time of both ends, and counts disturbed turns', () => {
    const turns = base.turns.map(({ perSecond }) => turn(perSecond, { p99: 3, clientCpuUs: 10, disturbed: true }));
    const [, peer] = summarise([base, { contender: 'peer', turns }]);
    expect(peer).toMatchObject({ p99Ratio: 1.5, cpuRatio: 0.5, disturbed: 3 });
  });

  it('keeps the reason of a contender without figures, and has no ratios without the base', () => {
    const failed = { contender: 'grpc-js', reason: 'it failed' };
    const [one, other] = summarise([failed, { contender: 'peer', turns: [turn(5)] }]);
    expect(one).toEqual(failed);
    expect(other).toMatchObject({ perSecond: 5 });
    expect(other).not.toHaveProperty('ratio');
  });
});
