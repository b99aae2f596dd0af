// A contender's processes: its servers, and its client.
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryMiB, startWorker } from '@rondo/harness';
import { pin } from './machine.mjs';
import { REPLICAS } from './workloads.mjs';

const START_MS = 60_000;
/** How long a turn may take beyond its time: the last stream of a slow contender, on a busy machine. */
const LAST_STREAM_MS = 60_000;
/** How far a replica's share of the calls may be from a third. */
const UNEVEN = 0.1;

/**
 * Starts a contender.
 *
 * @param options `cores` to pin it to, if any; `replicas`: whether it calls several servers.
 */
export async function startPeer({ name, folder, variant, inProcess }, { cores, replicas }) {
  const start = (file, core) => {
    const worker = startWorker(new URL(file, import.meta.url));
    if (core !== undefined) pin(worker.pid, core);
    return worker;
  };
  const count = inProcess ? 0 : replicas ? REPLICAS : 1;
  const servers = Array.from({ length: count }, () => start('./server-main.mjs', cores?.server));
  const client = start('./client-main.mjs', cores?.client);
  const workers = [...servers, client];
  const close = () => Promise.all(workers.map((worker) => worker.close()));
  /** A worker that hasn't answered may be stuck: then all are closed. */
  const within = async (ms, what, promise) => {
    const result = await Promise.race([promise, sleep(ms, LATE, { ref: false })]);
    if (result !== LATE) return result;
    peer.stuck = `it had to be stopped: ${what}: not within ${ms} ms`;
    await close();
    throw new Error(peer.stuck);
  };
  const peer = {
    name,
    pids: workers.map(({ pid }) => pid),
    /** Why it was closed before the end. */
    stuck: undefined,
    /**
     * Calls for some time: see turn.mjs. `serverCpuUs` is the processor time of all servers. With `warm` the replicas may get
     * different numbers of calls, as connections are made.
     */
    async turn(workload, seconds, { warm = false } = {}) {
      const before = await askAll(servers);
      const asked = client.ask('turn', { workload: workload.name, seconds });
      const turn = await within(seconds * 1000 + LAST_STREAM_MS, `a turn of ${name}`, asked);
      const after = await askAll(servers);
      const used = (what) => after.map((one, index) => one[what] - before[index][what]);
      if (workload.replicas !== undefined && !warm) checkEven(used('served'));
      return { ...turn, serverCpuUs: used('cpuUs').reduce((sum, one) => sum + one, 0) };
    },
    /** Resident memory in MiB, now and at its peak: of one server, and of the client. */
    memory: () => ({ server: servers[0] && memoryMiB(servers[0].pid), client: memoryMiB(client.pid) }),
    close,
  };
  try {
    const asked = Promise.all(servers.map((server) => server.ask('serve', { folder, variant })));
    const addresses = await within(START_MS, `${name} serves`, asked);
    await within(START_MS, `${name} connects`, client.ask('connect', { folder, variant, addresses, replicas }));
    return peer;
  } catch (error) {
    await close();
    throw error;
  }
}

const LATE = Symbol('late');
const askAll = (servers) => Promise.all(servers.map((server) => server.ask('used')));

/** Throws unless each replica got its share of the calls. */
function checkEven(served) {
  const mean = served.reduce((sum, count) => sum + count, 0) / served.length;
  const isEven = served.every((count) => Math.abs(count - mean) <= Math.max(UNEVEN * mean, 64));
  if (!isEven) throw new Error(`the replicas got ${served.join(', ')} calls, not a third each`);
}
