import { expect, it } from '@jest/globals';
import { InstanceStatus } from '@rondo/contracts/rondo/registry/v1/registry';
import type { RegistryAdapter } from '@rondo/registries';
import { ManualClock, seededRandom } from '@rondo/rpc/testing';
import { recordingLogger } from '../../test/recording-logger.js';
import { createState, DRAINING, type Readiness, readinessOf } from '../state.js';
import { adapterClient } from './adapter-client.js';
import { startRegistration } from './registration.js';

type Held = Awaited<ReturnType<RegistryAdapter['renew']>>;

const INSTANCE = {
  instanceId: 'a',
  incarnation: 1n,
  endpoints: [],
  services: ['x.Y'],
  zone: '',
  version: '',
  weight: 0,
  metadata: {},
  fingerprints: {},
};

/** A registration at a registry of another kind, which answers as the test says. */
function begin(write: 'held' | 'silence' = 'held') {
  const calls: string[] = [];
  const answers: { renew: Held; write: 'held' | 'displaced' | 'silence' } = { renew: 'held', write };
  const registrar: Parameters<typeof adapterClient>[0] = {
    async write({ status }) {
      calls.push(`write ${InstanceStatus[status].replace('INSTANCE_STATUS_', '')}`);
      return answers.write === 'silence' ? new Promise(() => undefined) : answers.write;
    },
    async renew() {
      calls.push('renew');
      return answers.renew;
    },
    async remove() {
      calls.push('remove');
    },
  };
  const { log, lines } = recordingLogger();
  const clock = new ManualClock();
  const readiness = createState<Readiness>(readinessOf([]));
  const shared = { ttlMs: 9_000, clock };
  const registry = adapterClient(registrar, shared);
  const own = { registry, instance: INSTANCE, readiness, random: seededRandom(1), log };
  return { calls, answers, clock, readiness, lines, registration: startRegistration({ ...shared, ...own }) };
}

it('writes the instance, renews it, writes each change, and removes it', async () => {
  const { calls, clock, readiness, registration } = begin();
  await clock.advance(0);
  await clock.advance(3_000);
  readiness.set(DRAINING);
  await clock.advance(0);
  expect(await registration.synced(new AbortController().signal)).toBe(true);
  await registration.close();
  expect(calls).toEqual(['write SERVING', 'renew', 'write DRAINING', 'remove']);
});

it('writes it again at once if the registry has forgotten it', async () => {
  const { calls, answers, clock, registration } = begin();
  await clock.advance(0);
  answers.renew = 'forgotten';
  await clock.advance(3_000);
  expect(calls).toEqual(['write SERVING', 'renew', 'write SERVING']);
  await registration.close();
});

it('says that another process has the id, and that the registry is away', async () => {
  const { answers, clock, lines, registration } = begin('silence');
  await clock.advance(0);
  await clock.advance(3_000);
  answers.write = 'displaced';
  await clock.advance(5_000);
  expect(lines).toEqual([
    expect.stringMatching(/^warn: the registry is away: .*no answer within 3000 ms/),
    expect.stringMatching(/^warn: the registry holds this instance id for another process/),
  ]);
  await registration.close();
});
