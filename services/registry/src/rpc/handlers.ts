import type { RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import type { WallClock } from '@rondo/rpc/clock';
import { mapMessages, observe } from '@rondo/rpc/middleware';
import type { Handlers } from '@rondo/rpc/server';
import type { RegistryStore } from '../domain/store.js';
import { clientOf, identityOf, type MayServe, requireOperator, requireServed } from './callers.js';
import { ClientShares } from './client-shares.js';
import { toRpcError } from './faults.js';
import { toDuration, toInstance, toOperatorMark, toSharedWatchResponse } from './messages.js';
import type { RefusalLog } from './refusal-log.js';
import {
  pageTokenAfter,
  parseDeregister,
  parseLease,
  parseListInstances,
  parseRegister,
  parseSetOperatorState,
  parseUpdate,
  parseWatch,
} from './requests.js';

/** What the handlers work with. */
export interface HandlerOptions {
  readonly store: RegistryStore;
  /** What the registry is part of. */
  readonly system: string;
  readonly wallClock: WallClock;
  /** Tells which services a process with a certificate may register. */
  readonly mayServe: MayServe;
  /** How many watches may be open: those of one client are half of what the others leave free at most. */
  readonly maxWatches: number;
  /** Records each registration that fails, and each cordon that a service tries. */
  readonly refusals: Pick<RefusalLog, 'record' | 'recordCall'>;
}

/** The handlers of the registry's contract over a store. Times in replies are of the registry's wall clock. */
export function registryHandlers({
  store,
  system,
  wallClock,
  mayServe,
  refusals,
  maxWatches,
}: HandlerOptions): Handlers<typeof RegistryServiceDefinition> {
  const watches = new ClientShares('watches', maxWatches);
  return {
    async register(request, call) {
      const { registration, ttlMs, options } = parseRegister(request, identityOf(call));
      const onFault = (fault: unknown) => refusals.record(fault, { registration, peer: call.peer });
      const register = async () => {
        requireServed(call, registration.services, mayServe);
        return await store.register(registration, ttlMs, options);
      };
      const registered = observed(register(), onFault);
      const { leaseId, position } = await withStatus(registered);
      return { leaseId, ttl: toDuration(ttlMs), position };
    },
    async renew(request, call) {
      const { ttlMs, position } = await withStatus(store.renew(parseLease(request, identityOf(call))));
      return { ttl: toDuration(ttlMs), position };
    },
    async update(request, call) {
      const { lease, change, sequence } = parseUpdate(request, identityOf(call));
      const { instance, position } = await withStatus(store.update(lease, change, sequence));
      return { instance: toInstance(instance), position };
    },
    async deregister(request, call) {
      const { lease, sequence } = parseDeregister(request, identityOf(call));
      return { position: await withStatus(store.deregister(lease, sequence)) };
    },
    async setOperatorState(request, call) {
      const { instanceId, change } = parseSetOperatorState(request);
      const set = async () => {
        requireOperator(call, 'cordon instances');
        return await store.setOperatorState(instanceId, change);
      };
      const done = observed(set(), (fault) => refusals.recordCall(fault, call.peer));
      return { position: await withStatus(done) };
    },
    async listOperatorStates() {
      const { marks, position } = await withStatus(store.listOperatorStates());
      return { marks: marks.map(toOperatorMark), position };
    },
    async listServices() {
      const { services, position, warming } = await withStatus(store.listServices());
      return { services: [...services], position, warming, time: wallClock.now(), system };
    },
    async listInstances(request) {
      const { instances, more, position, warming } = await withStatus(store.listInstances(parseListInstances(request)));
      const last = instances.at(-1);
      const nextPageToken = more && last !== undefined ? pageTokenAfter(last.instanceId) : '';
      return { instances: instances.map(toInstance), nextPageToken, position, warming };
    },
    watch(request, call) {
      const query = parseWatch(request);
      const events = watches.open(clientOf(call), () => store.watch({ ...query, signal: call.signal }));
      return mapMessages(observe(events, { error: toRpcError }), toSharedWatchResponse);
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
    throw toRpcError(fault);
  }
}
