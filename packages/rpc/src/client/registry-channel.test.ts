import { expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { scriptedRegistry } from '../../test/support/scripted-registry.js';
import { settled } from '../../test/support/scripted-watch.js';
import { createRouter } from '../server/router.js';
import { createMemoryNetwork } from '../transport/memory/network.js';
import type { TransportFactory } from '../transport/transport.js';
import { createRegistryWatch } from './registry-channel.js';

/** Registries at `r:1` and `r:2`, and the connections to them: `r:1 ready`. */
function createWatch() {
  const network = createMemoryNetwork();
  const clock = new ManualClock();
  for (const address of ['r:1', 'r:2']) {
    network.listen(address, createRouter({ services: [scriptedRegistry().service], clock }));
  }
  const connections: (() => string)[] = [];
  const transport: TransportFactory = (address) => {
    const made = network.transport(address);
    connections.push(() => `${address} ${made.state}`);
    return made;
  };
  const { watch, close } = createRegistryWatch({ transport, clock, random: seededRandom(1) });
  const begin = (service: string, address: string) => {
    const ending = new AbortController();
    const ended = watch({ service }, { signal: ending.signal, address })
      [Symbol.asyncIterator]()
      .next()
      .then(undefined, () => undefined);
    return async () => {
      ending.abort();
      await ended;
    };
  };
  return { begin, close, connections: () => connections.map((state) => state()) };
}

it('watches of one registry share a connection, which stands for as long as one of them', async () => {
  const { begin, connections } = createWatch();
  const [one, other] = [begin('a.A', 'r:1'), begin('b.B', 'r:1')];
  await settled();
  expect(connections()).toEqual(['r:1 ready']);
  await one();
  expect(connections()).toEqual(['r:1 ready']);
  await other();
  expect(connections()).toEqual(['r:1 shutdown']);
  const again = begin('a.A', 'r:1');
  await settled();
  expect(connections()).toEqual(['r:1 shutdown', 'r:1 ready']);
  await again();
});

it('each registry has its own, and none is left once they are closed', async () => {
  const { begin, close, connections } = createWatch();
  const ends = [begin('a.A', 'r:1'), begin('b.B', 'r:2')];
  await settled();
  expect(connections()).toEqual(['r:1 ready', 'r:2 ready']);
  close();
  expect(connections()).toEqual(['r:1 shutdown', 'r:2 shutdown']);
  for (const end of ends) await end();
});
