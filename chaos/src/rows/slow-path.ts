import { startTcpProxy } from '@rondo/rpc/testing';
import { type Row, SAFE } from '../row.js';
import { type TimedTry, triesOf } from '../scene/load.js';
import { freePort } from '../scene/ports.js';
import { now, pass } from '../time.js';
import { formatMs, p99 } from '../verdict.js';

const PATH = { roundTripMs: 200, bytesPerSecond: 125_000, cutEveryMs: 10_000 };
/** What of a difference of two clients' p99 is the machine's own. */
const NOISE_MS = 10;

/** One of the replicas is far away, over a bad line. */
export const slowPath: Row = {
  name: 'slow-path',
  fault: 'a path of 200 ms round trip, 1 Mbit/s, broken off every 10 s, to one replica',
  bound: "0 failed; the others' p99 at most double, or 10 ms more, than that of a client which knows them alone",
  control: 'the client does not look at its connections, and tries nothing elsewhere',
  without: 'elsewhere',
  async run({ scene, verdict, without, lasts }) {
    await scene.startRegistry();
    const near = await Promise.all(NEAR.map((id) => scene.startReplica(id)));
    const port = await freePort();
    const proxy = await startTcpProxy({ target: `127.0.0.1:${port}`, ...PATH });
    scene.onClose(() => proxy.close());
    await scene.startReplica(FAR, { port, advertise: proxy.address });
    // At the same time, so that what the machine does meanwhile is in both.
    const load = scene.startLoad({ ...SAFE, ...(without && { without }) });
    const beside = scene.startLoad({ ...SAFE, callsPerSecond: 200, addresses: near.map(({ address }) => address) });
    await Promise.all([load.untilServed([...NEAR, FAR]), beside.untilServed(NEAR)]);
    const since = now();
    await pass(lasts(45_000, 14_000));

    const calls = await load.stop();
    verdict.noFailures(calls);
    const tries = triesOf(calls).filter(({ at }) => at >= since);
    const usual = p99((await beside.stop()).filter(({ at }) => at >= since).map(({ ms }) => ms));
    verdict.note(`p99 over the path ${formatMs(p99(latencies(tries.filter(({ instance }) => instance === FAR))))}`);
    const others = p99(latencies(tries.filter(({ instance }) => NEAR.includes(instance))));
    verdict.within(
      `p99 of a client beside ${formatMs(usual)}, the others'`,
      others,
      Math.max(2 * usual, usual + NOISE_MS),
    );
  },
};

const NEAR = ['replica-1', 'replica-2'];
const FAR = 'replica-3';

const latencies = (tries: readonly TimedTry[]) => tries.map(({ ms }) => ms);
