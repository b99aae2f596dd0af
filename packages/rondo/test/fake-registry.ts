import {
  type Instance,
  InstanceStatus,
  type OperatorMark,
  OperatorState,
  RegistryServiceDefinition,
  RemovalReason,
  type WatchRequest,
  type WatchResponse,
} from '@rondo/contracts/rondo/registry/v1/registry';
import { systemClock } from '@rondo/rpc/clock';
import { createRouter, type Handlers, implement, serve } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';

type Event = NonNullable<WatchResponse['event']>;

/** A registry with only what the tests need: registered instances and watches. */
export async function startFakeRegistry(listen = '127.0.0.1:0') {
  const instances = new Map<string, Instance>();
  const marks = new Map<string, OperatorMark>();
  /** The error of setting a state, after the first `after` times, if there is one. */
  let refusal: { readonly error: RpcError; after: number } | undefined;
  const watchers = new Set<(event: Event) => void>();
  const epoch = BigInt(Math.floor(systemClock.now()));
  let revision = 1n;
  let warming = false;
  let skewMs = 0;
  let system = '';
  const position = () => ({ epoch, revision });
  const tell = (event: Event) => {
    revision += 1n;
    for (const watcher of watchers) watcher(event);
  };
  const waiting = new Set<() => void>();
  const put = (given: Instance) => {
    const operatorState = marks.get(given.instanceId)?.state ?? OperatorState.OPERATOR_STATE_NONE;
    const instance = { ...given, operatorState };
    instances.set(instance.instanceId, instance);
    for (const look of waiting) look();
    tell({ $case: 'delta', value: { upserts: [instance], removals: [] } });
  };
  const remove = (instanceId: string, reason = RemovalReason.REMOVAL_REASON_DEREGISTERED) => {
    if (instances.delete(instanceId))
      tell({ $case: 'delta', value: { upserts: [], removals: [{ instanceId, reason }] } });
  };
  const mark = (instanceId: string, reason: string) => {
    const state = OperatorState.OPERATOR_STATE_CORDONED;
    marks.set(instanceId, { instanceId, state, reason, setTime: new Date(systemClock.now() - 180_500) });
  };
  const list = (service: string) =>
    [...instances.values()].filter(({ services }) => service === '' || services.includes(service));

  const handlers: Handlers<typeof RegistryServiceDefinition> = {
    setOperatorState({ instanceId, state, reason }) {
      if (refusal !== undefined && refusal.after-- <= 0) throw refusal.error;
      const instance = instances.get(instanceId);
      if (instance === undefined && !marks.has(instanceId)) {
        throw new RpcError(Status.NOT_FOUND, `no instance "${instanceId}" is registered`);
      }
      if (state === OperatorState.OPERATOR_STATE_NONE) marks.delete(instanceId);
      else mark(instanceId, reason);
      if (instance !== undefined) put(instance);
      return { position: position() };
    },
    listOperatorStates: () => ({ marks: [...marks.values()], position: position() }),
    register({ instance }) {
      if (instance !== undefined) put({ ...instance, registerTime: new Date(systemClock.now() - 180_000) });
      return { leaseId: instance?.instanceId ?? '', ttl: { seconds: 10n, nanos: 0 }, position: position() };
    },
    renew: () => ({ ttl: { seconds: 10n, nanos: 0 } }),
    update: ({ instanceId, status }) => {
      const instance = instances.get(instanceId);
      if (instance !== undefined) put({ ...instance, status });
      return {};
    },
    deregister: ({ instanceId }) => {
      remove(instanceId);
      return {};
    },
    listServices: () => ({
      services: [],
      position: position(),
      warming,
      time: new Date(systemClock.now() + skewMs),
      system,
    }),
    // One instance on each page, so that a client that reads only the first page fails its test.
    listInstances({ service, pageToken }) {
      const all = list(service);
      const index = Number(pageToken);
      const nextPageToken = index + 1 < all.length ? String(index + 1) : '';
      return { instances: all.slice(index, index + 1), nextPageToken, position: position(), warming };
    },
    async *watch({ service }: WatchRequest, { signal }) {
      const events: Event[] = [{ $case: 'snapshot', value: { instances: list(service), more: false } }];
      let wake = () => {};
      const watcher = (event: Event) => {
        events.push(event);
        wake();
      };
      watchers.add(watcher);
      signal.addEventListener('abort', () => wake(), { once: true });
      try {
        while (!signal.aborted) {
          for (const event of events.splice(0)) yield { position: position(), warming, event };
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (events.length > 0 || signal.aborted) resolve();
          });
        }
      } finally {
        watchers.delete(watcher);
      }
    },
  };
  const server = await serve(
    createRouter({ services: [implement(RegistryServiceDefinition, handlers)], admission: { adaptive: false } }),
    { listen },
  );
  return {
    address: server.address,
    put,
    remove,
    instance: (id: string) => instances.get(id),
    /** Cordons an instance, which need not be registered. */
    mark,
    marks: () => [...marks.values()].map(({ instanceId, reason }) => ({ instanceId, reason })),
    /** Makes each setting of a state after the first `after` fail with `code`; without a code, none fails. */
    refuse: (code: Status | undefined, message = '', { after = 0 } = {}) => {
      refusal = code === undefined ? undefined : { error: new RpcError(code, message), after };
    },
    /** Resolves when an instance reports the status. */
    until: (id: string, status: keyof typeof InstanceStatus) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (instances.get(id)?.status !== InstanceStatus[status]) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    setWarming: (value: boolean) => {
      warming = value;
    },
    /** Shifts the registry's clock from this machine's. */
    setSkew: (value: number) => {
      skewMs = value;
    },
    /** Makes the registry part of a system. */
    setSystem: (value: string) => {
      system = value;
    },
    stop: () => server.drain(0),
  };
}
