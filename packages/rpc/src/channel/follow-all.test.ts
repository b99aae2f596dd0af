import { expect, it } from '@jest/globals';
import { ManualClock, seededRandom } from '@rondo/base/testing';
import { memoryStorage } from '../../test/support/memory-storage.js';
import { scriptedRegistry } from '../../test/support/scripted-registry.js';
import { instances, recordingListener } from '../../test/support/scripted-watch.js';
import { createRegistryChannel } from '../client/registry-channel.js';
import { createRouter } from '../server/router.js';
import { createTestChannel } from '../testing/test-channel.js';
import { createMemoryNetwork } from '../transport/memory/network.js';

/** A channel over a registry at `r:1`, whose watch the test scripts. */
function make(storage = memoryStorage()) {
  const network = createMemoryNetwork();
  const clock = new ManualClock();
  const { service, ...registry } = scriptedRegistry();
  const listener = network.listen('r:1', createRouter({ services: [service], clock }));
  const channel = createRegistryChannel({
    registry: ['r:1'],
    transport: network.transport,
    clock,
    random: seededRandom(1),
    storage,
  });
  return { ...registry, channel, clock, storage, stop: () => listener.close() };
}

const all = [
  { ...instances('one')[0], services: ['a.A', 'b.B'], fingerprints: { 'a.A': 'f1' } },
  { ...instances('two')[0], services: ['a.A'], fingerprints: { 'a.A': 'f2' } },
];
const position = { epoch: 1n, revision: 1n };
const snapshot = { position, event: { $case: 'snapshot', value: { instances: all } } } as const;

const known = [
  { instanceId: 'one', services: ['a.A', 'b.B'], fingerprints: { 'a.A': 'f1' } },
  { instanceId: 'two', services: ['a.A'], fingerprints: { 'a.A': 'f2' } },
];

it('a channel over a registry reports the instances of all services, with what each serves', async () => {
  const { channel, requests, event } = make();
  const { listener, resolutions, names } = recordingListener();
  const following = channel.followAll(listener);
  await event(snapshot);
  expect(requests).toMatchObject([{ service: '' }]);
  expect(resolutions.at(-1)?.endpoints).toMatchObject(known);
  expect(following.inspect?.().state).toBe('connected');
  // It connects to none of them.
  expect(channel.inspect()).toEqual([]);
  following.close();
  await event({
    position: { epoch: 1n, revision: 2n },
    event: { $case: 'delta', value: { upserts: instances('three') } },
  });
  expect(names()).toEqual(['one', 'two']);
  channel.close();
});

it('a channel over fixed addresses knows no service by name, and a closed channel reports nothing', () => {
  const channel = createTestChannel({ services: [] });
  const { listener, resolutions } = recordingListener();
  channel.followAll(listener).close();
  expect(resolutions).toEqual([{ endpoints: [], departed: [] }]);
  channel.close();
  channel.followAll(listener).close();
  expect(resolutions).toHaveLength(1);
});
