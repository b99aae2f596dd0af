import { freePort } from '@rondo/harness';
import { startTcpProxy } from '@rondo/rpc/internal/testing';
import { SAFE, type Scenario, startThree } from '../scenario.js';
import { type TimedTry, triesOf } from '../testbed/load.js';
import { startHttp1, startHttp2 } from '../testbed/wrong-servers.js';
import { now, pass } from '../time.js';
import { formatMs, p99 } from '../verdict.js';

/** An endpoint accepts connections and never sends a byte. */
export const mute: Scenario = {
  name: 'mute',
  fault: 'a replica that accepts TCP and never sends a byte',
  bound: '0 failed, of a running client and of one that starts later',
  control: 'the client calls endpoints that it is not connected to, and connects without a timeout',
  without: 'connect-timeout',
  async run(context) {
    const { testbed, verdict, without } = context;
    const { registry, third, load } = await startThree(context);
    const proxy = await startTcpProxy({ target: third.address, stallAfterMs: 0 });
    testbed.onClose(() => proxy.close());
    await registry.register('mute', proxy.address);
    await pass(context.lasts(6_000, 3_000));
    const late = testbed.startLoad({ ...SAFE, ...(without && { without }) });
    await pass(context.lasts(8_000, 4_000));
    verdict.note(`${proxy.connections} connections to it`);
    verdict.noFailures(await load.stop());
    verdict.noFailures(await late.stop(), 'of the late client');
  },
};

/** Endpoints are registered as calculators and are none. */
export const mistake: Scenario = {
  name: 'mistake',
  fault: 'an endpoint registered by mistake: nothing there, another service, HTTP/1, HTTP/2 without gRPC',
  bound: '0 failed',
  control: 'the client ignores the state of its connections, and retries nothing on another instance',
  without: 'elsewhere',
  async run(context) {
    const { testbed, verdict, without } = context;
    const { registry, load } = await startThree(context);
    const servers = {
      nothing: `127.0.0.1:${await freePort()}`,
      // It speaks gRPC and doesn't serve the calculator's contract.
      registry: registry.address,
      http1: await startHttp1(testbed),
      http2: await startHttp2(testbed),
    };
    for (const [kind, address] of Object.entries(servers)) {
      const since = now();
      await registry.register(kind, address);
      await pass(context.lasts(6_000, 2_000));
      const calls = load.calls.filter(({ at }) => at >= since);
      const tries = triesOf(calls).filter((one) => one.address === address);
      verdict.noFailures(calls, `with ${kind} (tried ${tries.length} times)`);
    }
    const late = testbed.startLoad({ ...SAFE, ...(without && { without }) });
    await pass(context.lasts(6_000, 3_000));
    verdict.noFailures(await load.stop(), 'in all');
    verdict.noFailures(await late.stop(), 'of a client that starts late');
  },
};

const PATH = { roundTripMs: 200, bytesPerSecond: 125_000, cutEveryMs: 10_000 };
/** How much two clients' p99 may differ because of the machine. */
const NOISE_MS = 10;

/** The path to one of the replicas is slow and narrow, and breaks. */
export const slowPath: Scenario = {
  name: 'slow-path',
  fault: 'a path of 200 ms round trip, 1 Mbit/s, broken off every 10 s, to one replica',
  bound: "0 failed; the others' p99 at most double, or 10 ms more, than that of a client that knows only them",
  control: 'the client ignores the state of its connections, and retries nothing on another instance',
  without: 'elsewhere',
  async run({ testbed, verdict, without, lasts }) {
    await testbed.startRegistry();
    const near = await Promise.all(NEAR.map((id) => testbed.startReplica(id)));
    const port = await freePort();
    const proxy = await startTcpProxy({ target: `127.0.0.1:${port}`, ...PATH });
    testbed.onClose(() => proxy.close());
    await testbed.startReplica(FAR, { port, advertise: proxy.address });
    // Both at the same time, so that other work of the machine affects both.
    const load = testbed.startLoad({ ...SAFE, ...(without && { without }) });
    const nearby = testbed.startLoad({ ...SAFE, callsPerSecond: 200, addresses: near.map(({ address }) => address) });
    await Promise.all([load.untilServed([...NEAR, FAR]), nearby.untilServed(NEAR)]);
    const since = now();
    await pass(lasts(45_000, 14_000));

    const calls = await load.stop();
    verdict.noFailures(calls);
    const tries = triesOf(calls).filter(({ at }) => at >= since);
    const usual = p99((await nearby.stop()).filter(({ at }) => at >= since).map(({ ms }) => ms));
    verdict.note(`p99 over the path ${formatMs(p99(latencies(tries.filter(({ instance }) => instance === FAR))))}`);
    const others = p99(latencies(tries.filter(({ instance }) => NEAR.includes(instance))));
    verdict.within(
      `p99 of another client ${formatMs(usual)}, the others'`,
      others,
      Math.max(2 * usual, usual + NOISE_MS),
    );
  },
};

const NEAR = ['replica-1', 'replica-2'];
const FAR = 'replica-3';

const latencies = (tries: readonly TimedTry[]) => tries.map(({ ms }) => ms);
