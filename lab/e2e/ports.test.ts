import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, expect, it, jest } from '@jest/globals';
import { requireFreePorts } from '../../packages/rondo/src/launch/plan.js';
import { console } from '../../packages/rondo/src/terminal/console.js';

afterEach(() => {
  jest.restoreAllMocks();
});

const { signal } = new AbortController();

it('a start waits for a port that a connection has as its own end, and refuses one at which a process listens', async () => {
  const errors = jest.spyOn(console, 'error').mockImplementation(() => undefined);
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const outgoing = connect(port, '127.0.0.1').resume();
  const [[incoming]] = await Promise.all([once(server, 'connection'), once(outgoing, 'connect')]);
  const own = Number(outgoing.localPort);

  const both = [
    { name: 'one that waits', port: own },
    { name: 'registry', port },
  ];
  await expect(requireFreePorts(both, 'Stop it', signal)).rejects.toThrow(
    `in use already: port ${port} (registry). Stop it`,
  );
  expect(errors).not.toHaveBeenCalled();

  // The end that closes first keeps its port in TIME-WAIT: here the server, so that the test needn't wait for a minute.
  errors.mockImplementation(() => incoming.end());
  await expect(requireFreePorts([{ name: 'registry', port: own }], 'Stop it', signal)).resolves.toBeUndefined();
  expect(errors).toHaveBeenCalledWith(expect.stringContaining(`Waiting for port ${own}: no process listens there`));
  server.close();
});
