import { show, table } from '../../report/figures.mjs';
import { CALLS } from '../contract.mjs';
import { measure, startPart, takeTurns } from '../turns.mjs';

/**
 * The processor time that the gateway uses for a unary gRPC call which it passes on, against that of client and server for
 * one plain grpc-js call. The same client calls the gateway and the plain server, in turn.
 *
 * @returns whether the gateway uses no more than the two.
 */
export async function compareCalls({ gateway }, { rounds, seconds }, { onClose }) {
  const server = startPart(new URL('../plain-server.mjs', import.meta.url), onClose);
  const client = startPart(new URL('../plain-client.mjs', import.meta.url), onClose);
  const address = await server.ask('serve');
  const plain = (call) => measure(client, { ...call, address, seconds }, [client.pid, server.pid]);
  const proxied = (call) => measure(client, { ...call, address: gateway.address, seconds }, [gateway.pid]);
  const calls = Object.keys(CALLS).flatMap((name) => [64, 1].map((lanes) => ({ name, lanes })));
  const rows = await takeTurns({ plain, proxied }, { calls, rounds, by: 'callUs', also: 'perSecond' });
  show(`\ngRPC, ${rounds} rounds of ${seconds} s, medians; the gateway may use as much as client and server`);
  const cells = rows.map((row, index) => [`${calls[index].name}, ${calls[index].lanes} at a time`, ...row.cells]);
  show(table(['call', 'client + server µs', 'gateway µs', 'ratio', 'plain/s', 'gateway/s'], cells));
  return rows.every(({ ratio }) => ratio <= 1);
}
