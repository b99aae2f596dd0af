/**
 * What a pick costs over 1,000 endpoints against 3, for each policy: the median of interleaved rounds, with equal and
 * with different weights, with calls in flight, and what it allocates. Ends with an error where the bound is missed.
 *
 *   node bench/pick.mjs [--rounds 31] [--picks 100000] [--bound 1.5]
 */
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createPolicy } from '@rondo/rpc/balancer';
import { DEFAULT_BALANCING, POLICIES } from '@rondo/rpc/contract';
import { seededRandom } from '@rondo/rpc/testing';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '31' },
    picks: { type: 'string', default: '100000' },
    bound: { type: 'string', default: '1.5' },
  },
});
const rounds = Number(values.rounds);
const picks = Number(values.picks);

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc');

const KEYS = Array.from({ length: 1024 }, (_, index) => `customers/${index * 7919}`);
/** Endpoints that weigh the same, endpoints that don't, and newcomers among them. */
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

/** @returns what picks so many times, while two calls an endpoint are in flight: each ends once as many came after it. */
function work(policy, count, fleet) {
  const list = candidates(count, fleet);
  const balancing = { ...DEFAULT_BALANCING, policy };
  const picker = createPolicy(balancing, { random: seededRandom(1), zone: '' }).over(list);
  const going = [...list, ...list];
  for (const target of going) target.inFlight += 1;
  const call = { hashKey: undefined, tried: [] };
  let oldest = 0;
  return (times) => {
    for (let index = 0; index < times; index += 1) {
      call.hashKey = KEYS[index & 1023];
      const target = picker.pick(call);
      target.inFlight += 1;
      going[oldest].inFlight -= 1;
      going[oldest] = target;
      oldest = oldest + 1 === going.length ? 0 : oldest + 1;
    }
  };
}

/** Of this process's own time: a busy machine makes no difference. */
function nanoseconds(run) {
  const startedAt = process.cpuUsage();
  run(picks);
  const { user, system } = process.cpuUsage(startedAt);
  return ((user + system) / picks) * 1e3;
}

function bytes(run) {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  run(picks);
  return Math.max(process.memoryUsage().heapUsed - before, 0) / picks;
}

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

function measure(policy, fleet) {
  const few = work(policy, 3, fleet);
  const many = work(policy, 1_000, fleet);
  for (const run of [few, many]) run(picks);
  const times = Array.from({ length: rounds }, () => [nanoseconds(few), nanoseconds(many)]);
  return {
    policy,
    endpoints: fleet,
    'ns over 3': Number(median(times.map(([one]) => one)).toFixed(1)),
    'ns over 1,000': Number(median(times.map(([, one]) => one)).toFixed(1)),
    ratio: Number(median(times.map(([one, other]) => other / one)).toFixed(2)),
    'bytes over 3': Number(bytes(few).toFixed(1)),
    'bytes over 1,000': Number(bytes(many).toFixed(1)),
  };
}

const table = POLICIES.flatMap((policy) => Object.keys(FLEETS).map((fleet) => measure(policy, fleet)));
console.table(table);
const worst = table.reduce((one, other) => (other.ratio > one.ratio ? other : one));
console.log(
  `worst: ${worst.ratio} × (${worst.policy}, ${worst.endpoints}), bound ${values.bound}, Node ${process.version}`,
);
process.exitCode = worst.ratio > Number(values.bound) ? 1 : 0;
