import type { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import type { WallClock } from '@rondo/rpc/clock';
import { mapMessages, observe } from '@rondo/rpc/middleware';
import type { Handlers } from '@rondo/rpc/server';
import type { RegistryStore } from '../domain/store.js';
import { toDuration } from './duration.js';
import { toStatus } from './faults.js';
import { parseDeregister, parseLease, parseRegister, parseUpdate } from './lease-requests.js';
import { toInstance, toOperatorMark, toSharedWatchResponse } from './messages.js';
import { parseSetOperatorState } from './operator-requests.js';
import { pageTokenAfter } from './page-token.js';
import { parseListInstances, parseWatch } from './query-requests.js';
import type { Refusals } from './refusals.js';

/** What stands behind the registry's contract. */
export interface Contract {
  readonly store: RegistryStore;
  readonly wallClock: WallClock;
  /** Is told of each registration that fails. */
  readonly refusals: Pick<Refusals, 'note'>;
}

/** The registry's contract over a store. It tells the time by the registry's wall clock. */
export function registryHandlers({ store, wallClock, refusals }: Contract): Handlers<typeof RegistryServiceDefinition> {
  return {
    async register(request, { peer }) {
      const { registration, ttlMs, options } = parseRegister(request);
      const onFault = (fault: unknown) => refusals.note(fault, { registration, peer });
      const registered = observed(store.register(registration, ttlMs, options), onFault);
      const { leaseId, position } = await withStatus(registered);
      return { leaseId, ttl: toDuration(ttlMs), position };
    },
    async renew(request) {
      const { ttlMs, position } = await withStatus(store.renew(parseLease(request)));
      return { ttl: toDuration(ttlMs), position };
    },
    async update(request) {
      const { lease, change, sequence } = parseUpdate(request);
      const { instance, position } = await withStatus(store.update(lease, change, sequence));
      return { instance: toInstance(instance), position };
    },
    async deregister(request) {
      const { lease, sequence } = parseDeregister(request);
      return { position: await withStatus(store.deregister(lease, sequence)) };
    },
    async setOperatorState(request) {
      const { instanceId, wish } = parseSetOperatorState(request);
      return { position: await withStatus(store.setOperatorState(instanceId, wish)) };
    },
    async listOperatorStates() {
      const { marks, position } = await withStatus(store.listOperatorStates());
      return { marks: marks.map(toOperatorMark), position };
    },
    async listServices() {
      const { services, position, warming } = await withStatus(store.listServices());
      return { services: [...services], position, warming, time: wallClock.now() };
    },
    async listInstances(request) {
      const { instances, more, position, warming } = await withStatus(store.listInstances(parseListInstances(request)));
      const last = instances.at(-1);
      const nextPageToken = more && last !== undefined ? pageTokenAfter(last.instanceId) : '';
      return { instances: instances.map(toInstance), nextPageToken, position, warming };
    },
    watch(request, { signal }) {
      const events = store.watch({ ...parseWatch(request), signal });
      return mapMessages(observe(events, { error: toStatus }), toSharedWatchResponse);
    },
  };
}

async function observed<T>(work: Promise<T>, onFault: (fault: unknown) => void): Promise<T> {
  try {
    return await work;
  } catch (fault) {
    onFault(fault);
    throw fault;
  }
}

async function withStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (fault) {
    throw toStatus(fault);
  }
}
