import { balancingChart } from './chart.mjs';
import { timeline } from './testbed.mjs';

const THREE = ['a', 'b', 'c'];
const PER_SECOND = 300;
const STAGE_S = 10;

/** One replica of three becomes slower, then much slower, and recovers. */
const slowing = {
  seconds: 4 * STAGE_S,
  instances: THREE,
  client: { knows: 3 },
  start: (testbed) => testbed.replicas(THREE, { delayMs: 10 }),
  events: ([, , c]) => [
    { at: STAGE_S, label: 'c 2.5 × slower', run: () => c.behave({ slow: 2.5 }) },
    { at: 2 * STAGE_S, label: 'c 20 × slower', run: () => c.behave({ slow: 20 }) },
    { at: 3 * STAGE_S, label: 'c as before', run: () => c.behave({ slow: 1 }) },
  ],
};

const weighted = {
  ...slowing,
  start: (testbed) =>
    Promise.all([400, 200, 100].map((weight, index) => testbed.replica(THREE[index], { weight, delayMs: 10 }))),
  seconds: 2 * STAGE_S,
  events: ([a]) => [{ at: STAGE_S, label: 'a dies', run: () => a.kill() }],
};

const keyed = {
  ...slowing,
  keys: 200,
  seconds: 3 * STAGE_S,
  events: ([, , c], testbed) => [
    { at: STAGE_S, label: 'c dies', run: () => c.kill() },
    { at: 2 * STAGE_S, label: 'c is back', run: () => testbed.replica('c', { delayMs: 10 }) },
  ],
};

const zoned = {
  seconds: 4 * STAGE_S,
  instances: ['a1', 'a2', 'b1', 'b2'],
  client: { knows: 4, zone: 'eu/a' },
  start: async (testbed) => [
    ...(await testbed.replicas(['a1', 'a2'], { zone: 'eu/a', delayMs: 10 })),
    ...(await testbed.replicas(['b1', 'b2'], { zone: 'eu/b', delayMs: 30 })),
  ],
  events: ([a1, a2], testbed) => [
    { at: STAGE_S, label: 'a1 dies', run: () => a1.kill() },
    { at: 1.7 * STAGE_S, label: 'a2 dies', run: () => a2.kill() },
    {
      at: 3 * STAGE_S,
      label: 'both are back',
      run: () => testbed.replicas(['a1', 'a2'], { zone: 'eu/a', delayMs: 10 }),
    },
  ],
};

const joining = {
  seconds: 2 * STAGE_S,
  instances: [...THREE, 'd'],
  client: { knows: 3 },
  start: slowing.start,
  events: (_, testbed) => [{ at: STAGE_S / 2, label: 'd comes', run: () => testbed.replica('d', { delayMs: 10 }) }],
};

const failing = {
  ...slowing,
  seconds: 3 * STAGE_S,
  events: ([, , c]) => [
    { at: STAGE_S / 2, label: 'c answers INTERNAL', run: () => c.behave({ failure: 'INTERNAL' }) },
    { at: 1.5 * STAGE_S, label: 'c works again', run: () => c.behave({ failure: null }) },
  ],
};

/** The pictures by the names of their files. */
export const PICTURES = {
  'round-robin': { ...slowing, title: 'round_robin', balancing: 'round_robin' },
  random: { ...slowing, title: 'random', balancing: 'random' },
  'weighted-round-robin': {
    ...weighted,
    title: 'weighted_round_robin, weights 4 : 2 : 1',
    balancing: 'weighted_round_robin',
  },
  'weighted-by-load': {
    ...slowing,
    title: 'weighted_round_robin?weights=load',
    balancing: 'weighted_round_robin?weights=load',
  },
  'least-request': { ...slowing, title: 'least_request', balancing: 'least_request' },
  'ring-hash': { ...keyed, title: 'ring_hash, 200 keys', balancing: 'ring_hash' },
  'zone-aware': { ...zoned, title: 'zone_aware, called from zone a', balancing: 'zone_aware' },
  'slow-start': { ...joining, title: 'round_robin, and a fourth replica', balancing: 'round_robin' },
  ejection: { ...failing, title: 'round_robin, and a replica that fails', balancing: 'round_robin' },
};

/** Measures one of {@link PICTURES}, and returns it as SVG. */
export async function draw(testbed, { title, balancing, seconds, instances, client: options, start, events, keys }) {
  const replicas = await start(testbed);
  const client = await testbed.client({ ...options, balancing });
  const happening = events(replicas, testbed);
  const { calls, origin } = await timeline(client, { perSecond: PER_SECOND, seconds, keys, events: happening });
  return balancingChart(title, calls, { origin, instances, seconds, events: happening });
}
