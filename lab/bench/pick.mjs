import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPolicy, DEFAULT_BALANCING, POLICIES } from '@rondo/rpc/internal';
import { seededRandom } from '@rondo/rpc/testing';
import { median, show } from './report/figures.mjs';

/**
 * What a pick costs over 1,000 endpoints against 3, for each policy: the median of rounds that take turns, with equal and with
 * different weights, with calls in flight, and what it allocates.
 */
export const benchmark = {
  name: 'pick',
  summary: 'what a pick over 1,000 endpoints costs against one over 3, by policy',
  options: {
    rounds: { type: 'count', default: 31, help: 'how often each is measured' },
    picks: { type: 'count', default: 100_000, help: 'how many picks a round has' },
    bound: { type: 'text', value: 'RATIO', default: '1.5', help: 'the ratio that no policy may exceed' },
  },
  run({ rounds, picks, bound }) {
    setFlagsFromString('--expose-gc');
    const cases = POLICIES.flatMap((policy) => Object.keys(FLEETS).map((fleet) => ({ policy, fleet })));
    const rows = cases.map((one) => measure(one, { rounds, picks }));
    console.table(rows);
    const worst = rows.reduce((one, other) => (other.ratio > one.ratio ? other : one));
    show(`worst: ${worst.ratio} × (${worst.policy}, ${worst.endpoints}), bound ${bound}`);
    return worst.ratio <= Number(bound);
  },
};

const KEYS = Array.from({ length: 1024 }, (_, index) => `customers/${index * 7919}`);
/** Endpoints with equal weights, with different weights, and some of them in slow start. */
const FLEETS = {
  equal: () => ({ weight: 100, ramp: 1 }),
  weighted: (index) => ({ weight: index % 3 === 0 ? 400 : 100, ramp: 1 }),
  ramping: (index) => ({ weight: 100, ramp: index % 3 === 0 ? 0.4 : 1 }),
};

function candidates(count, fleet) {
  const make = FLEETS[fleet];
  return Array.from({ length: count }, (_, index) => ({
    id: `instance-${index}`,
    zone: '',
    loadWeight: undefined,
    inFlight: 0,
    ...make(index),
  }));
}

/** @returns a function that picks so many times. Two calls an endpoint are in flight all the time: each new call ends the oldest. */
function work(policy, count, fleet) {
  const list = candidates(count, fleet);
  const balancing = { ...DEFAULT_BALANCING, policy };
  const picker = createPolicy(balancing, { random: seededRandom(1), zone: '' }).over(list);
  const inFlight = [...list, ...list];
  for (const target of inFlight) target.inFlight += 1;
  const call = { hashKey: undefined, tried: [] };
  let oldest = 0;
  return (times) => {
    for (let index = 0; index < times; index += 1) {
      call.hashKey = KEYS[index & 1023];
      const target = picker.pick(call);
      target.inFlight += 1;
      inFlight[oldest].inFlight -= 1;
      inFlight[oldest] = target;
      oldest = oldest + 1 === inFlight.length ? 0 : oldest + 1;
    }
  };
}

function measure({ policy, fleet }, { rounds, picks }) {
  const few = work(policy, 3, fleet);
  const many = work(policy, 1_000, fleet);
  for (const run of [few, many]) run(picks);
  const times = Array.from({ length: rounds }, () => [nanosecondsOf(few, picks), nanosecondsOf(many, picks)]);
  return {
    policy,
    endpoints: fleet,
    'ns over 3': Number(median(times.map(([one]) => one)).toFixed(1)),
    'ns over 1,000': Number(median(times.map(([, one]) => one)).toFixed(1)),
    ratio: Number(median(times.map(([one, other]) => other / one)).toFixed(2)),
    'bytes over 3': Number(bytesOf(few, picks).toFixed(1)),
    'bytes over 1,000': Number(bytesOf(many, picks).toFixed(1)),
  };
}

/** The time of a pick by this process's own processor time, which a busy machine doesn't change. */
function nanosecondsOf(run, picks) {
  const startedAt = process.cpuUsage();
  run(picks);
  const { user, system } = process.cpuUsage(startedAt);
  return ((user + system) / picks) * 1e3;
}

/** What a pick allocates. */
function bytesOf(run, picks) {
  const collectGarbage = runInNewContext('gc');
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  run(picks);
  return Math.max(process.memoryUsage().heapUsed - before, 0) / picks;
}
