import { cpuMs, startWorker } from '@rondo/harness';
import { figure, median, show, table } from '../../report/figures.mjs';
import { CALLS } from '../contract.mjs';

const LANES = [64, 1];
/** After so many calls a process is about as fast as it becomes. */
const WARM_UP_CALLS = 20_000;

/**
 * The processor time that the gateway uses for a unary gRPC call which it passes on, against that of client and server for
 * one plain grpc-js call. The same client calls the gateway and the plain server, in turn.
 *
 * @returns whether the gateway uses no more than the two.
 */
export async function compareCalls({ gateway }, { rounds, seconds }, { onClose }) {
  const server = startWorker(new URL('../plain-server.mjs', import.meta.url));
  onClose(() => server.close());
  const client = startWorker(new URL('../plain-client.mjs', import.meta.url));
  onClose(() => client.close());
  const address = await server.ask('serve');
  const costOf = async (used, pids) => {
    const before = pids.map((pid) => cpuMs(pid));
    const calls = await client.ask('call', used);
    const cpu = pids.reduce((sum, pid, index) => sum + cpuMs(pid) - before[index], 0);
    return { calls, callUs: (cpu / calls) * 1_000, perSecond: calls / seconds };
  };
  for (const warm of [address, gateway.address]) {
    const used = { address: warm, name: 'tiny', lanes: 64, seconds };
    for (let calls = 0; calls < WARM_UP_CALLS; ) calls += (await costOf(used, [gateway.pid])).calls;
  }
  const rows = [];
  let holds = true;
  for (const name of Object.keys(CALLS)) {
    for (const lanes of LANES) {
      const plain = () => costOf({ address, name, lanes, seconds }, [client.pid, server.pid]);
      const proxied = () => costOf({ address: gateway.address, name, lanes, seconds }, [gateway.pid]);
      await plain();
      await proxied();
      const measured = [];
      for (let round = 0; round < rounds; round += 1) measured.push({ plain: await plain(), proxied: await proxied() });
      const ratio = median(measured.map((one) => one.proxied.callUs / one.plain.callUs));
      holds &&= ratio <= 1;
      const of = (read) => figure(median(measured.map(read)));
      rows.push([
        `${name}, ${lanes} at a time`,
        of((one) => one.plain.callUs),
        of((one) => one.proxied.callUs),
        figure(ratio),
        of((one) => one.plain.perSecond),
        of((one) => one.proxied.perSecond),
      ]);
    }
  }
  show(`\ngRPC, ${rounds} rounds of ${seconds} s, medians; the gateway may use as much as client and server`);
  show(table(['call', 'client + server µs', 'gateway µs', 'ratio', 'plain/s', 'gateway/s'], rows));
  return holds;
}
