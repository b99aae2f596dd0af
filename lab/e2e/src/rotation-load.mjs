// Calls at a steady rate, now and then one on a new connection, and watches of the registry: a worker that has the certificate of
// RONDO_TLS_DIR and follows its files. rotation.long.test.ts starts it.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { answerParent } from '@rondo/harness';
import { createChannel, createClient, staticResolver } from '@rondo/rpc/client';
import { configuredMutualTls } from '@rondo/rpc/internal';
import { createPace } from '../../bench/balancing/pacing.mjs';

const TICK_MS = 5;
const CONNECT_EACH_MS = 250;
/** A busy machine may take longer than usual for a call or a connection: one that is lost doesn't end at all. */
const TIMEOUT_MS = 60_000;
/** Add by a contract that lets no client repeat a call. */
const { add } = CalculatorServiceDefinition.methods;
const unrepeated = { ...CalculatorServiceDefinition, methods: { add: { ...add, options: {} } } };

const mutualTls = configuredMutualTls(process.env);
const channelTo = (addresses) =>
  createChannel({ resolver: staticResolver(addresses), mutualTls, connectTimeoutMs: TIMEOUT_MS });

const open = new Set();
const ending = new AbortController();
let timers = [];
let events = [];
let taken = newFigures();
const broken = [];

function newFigures() {
  return { calls: 0, connections: 0, failures: [], latencies: [] };
}

function call(channel, dueAt, what) {
  const running = createClient(unrepeated, { channel })
    .add({ a: 2n, b: 3n }, { timeoutMs: TIMEOUT_MS })
    .then(
      () => taken.latencies.push(performance.now() - dueAt),
      (error) => taken.failures.push(`${what}: ${error}`),
    )
    .finally(() => open.delete(running));
  taken[what] += 1;
  open.add(running);
  return running;
}

async function watch(client, index) {
  try {
    for await (const _ of client.watch({}, { signal: ending.signal })) events[index] += 1;
    broken.push('it has ended');
  } catch (error) {
    if (!ending.signal.aborted) broken.push(String(error));
  }
}

answerParent({
  /** Begins to call and to watch; `events` tells when each watch has begun. */
  begin({ registry, calculators, rate, watches }) {
    const standing = channelTo(calculators);
    const pace = createPace(rate, performance.now());
    const fresh = () => {
      const channel = channelTo(calculators);
      void call(channel, performance.now(), 'connections').finally(() => channel.close());
    };
    timers = [
      setInterval(() => {
        for (const dueAt of pace.take(performance.now())) void call(standing, dueAt, 'calls');
      }, TICK_MS),
      setInterval(fresh, CONNECT_EACH_MS),
    ];
    const client = createClient(RegistryServiceDefinition, { channel: channelTo([registry]) });
    events = Array.from({ length: watches }, () => 0);
    for (const index of events.keys()) void watch(client, index);
  },
  /** The certificate of this process, and the authorities that it trusts. */
  certificate: () => `${mutualTls.identity.current.cert}${mutualTls.identity.current.ca}`,
  /** How many events each watch has had, and why watches have ended. */
  watched: () => ({ events, broken }),
  /** The calls since the last time. */
  take() {
    const before = taken;
    taken = newFigures();
    return before;
  },
  /** Waits for the calls in flight, and ends the watches. */
  async end() {
    timers.forEach(clearInterval);
    await Promise.all(open);
    ending.abort();
  },
});
