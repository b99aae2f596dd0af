// Rounds: in each, every contender has its turn, in an order that rotates.
import { show } from '../report/figures.mjs';
import { watchForeign } from './machine.mjs';

/**
 * Measures a workload.
 *
 * @param options `rounds`; `seconds` of a turn; `warmSeconds` of the turn before the first round, which doesn't count;
 *   `repeats`: how often a disturbed turn is taken again; `pids` of all processes of the benchmark.
 * @returns by contender `turns`, one a round, or `failed`: the reason.
 */
export async function measureWorkload(peers, workload, { rounds, seconds, warmSeconds, repeats, pids }) {
  const results = new Map(peers.map(({ name }) => [name, { turns: [] }]));
  const attempt = async (peer, work) => {
    const result = results.get(peer.name);
    if (result.failed !== undefined) return;
    try {
      await work(result);
    } catch (error) {
      result.failed = error.message.split('\n')[0];
      show(`${workload.name}: ${peer.name} failed: ${result.failed}`);
    }
  };
  for (const peer of peers) await attempt(peer, () => peer.turn(workload, warmSeconds, { warm: true }));
  for (let round = 0; round < rounds; round += 1) {
    for (const index of peers.keys()) {
      const peer = peers[(round + index) % peers.length];
      await attempt(peer, async ({ turns }) => turns.push(await calmTurn(peer, workload, { seconds, repeats, pids })));
    }
  }
  return results;
}

/** A turn; if other processes disturb it, one more, up to `repeats` times. The least disturbed one counts. */
async function calmTurn(peer, workload, { seconds, repeats, pids }) {
  let best;
  for (let taken = 1; taken <= 1 + repeats; taken += 1) {
    const watched = watchForeign(pids);
    const { operations, tookMs, cpuUs, serverCpuUs, p50, p99 } = await peer.turn(workload, seconds);
    const { foreignShare, disturbed } = watched();
    if (best === undefined || foreignShare < best.foreignShare) {
      best = {
        perSecond: (operations / tookMs) * 1000,
        p50,
        p99,
        clientCpuUs: cpuUs / operations,
        serverCpuUs: serverCpuUs / operations,
        foreignShare,
        disturbed,
      };
    }
    if (!disturbed) return { ...best, taken };
  }
  return { ...best, taken: 1 + repeats };
}
