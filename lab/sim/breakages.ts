import { RegisterRequest, RegistryServiceDefinition, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import { TransportError, type TransportFactory, wrapTransport } from '@rondo/rpc/internal';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Breakage } from './cluster.js';
import { REGISTRY_ADDRESS } from './registry-process.js';

/** Parts that are broken on purpose, each by a plausible mistake. The simulation has to find each. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'the registry answers renewals and forgets them': {
    registry: instead('renew', () => ({ ttl: { seconds: 10n, nanos: 0 } })),
  },
  'the registry lets any caller repeat a registration': { registry: ignoringSecrets },
  'the registry keeps a displaced process out for good': { registry: refusingForever },
  'the registry answers deregistrations and forgets them': { registry: instead('deregister', () => ({})) },
  'a client drops all instances on an empty snapshot': { client: trustingEmptySnapshots },
  'a client takes what a server answers for final': { client: takingAnswersForFinal },
  'a client waits for a silent instance': { client: deafToSilence },
};

/** A registry whose `method` is replaced by `work`. */
function instead(method: string, work: () => unknown) {
  return (services: readonly ServiceImplementation[]): readonly ServiceImplementation[] =>
    services.map(({ definition, handlers }) => ({
      definition,
      handlers: definition === RegistryServiceDefinition ? { ...handlers, [method]: work } : handlers,
    }));
}

/** A registry that treats all secrets as equal. */
function ignoringSecrets(services: readonly ServiceImplementation[]): readonly ServiceImplementation[] {
  return before('register', services, (request) => Object.assign(Object(request), { secret: Buffer.alloc(32) }));
}

/** A registry that never accepts an incarnation that it has refused once. */
function refusingForever(services: readonly ServiceImplementation[]): readonly ServiceImplementation[] {
  const latest = new Map<string, bigint>();
  return before('register', services, (request) => {
    const { instance } = RegisterRequest.fromPartial(Object(request));
    if (instance === undefined) return;
    const { instanceId, incarnation } = instance;
    const known = latest.get(instanceId) ?? 0n;
    if (incarnation < known) throw new RpcError(Status.ABORTED, `incarnation ${known} has taken over`);
    if (incarnation < LATEST) latest.set(instanceId, incarnation);
  });
}

const LATEST = 2n ** 63n - 1n;

/** A registry that runs `work` before its `method`. */
function before(method: string, services: readonly ServiceImplementation[], work: (request: unknown) => void) {
  return services.map(({ definition, handlers }) => {
    const handler = Object(handlers)[method];
    const altered = (request: unknown, call: unknown) => {
      work(request);
      return handler(request, call);
    };
    return { definition, handlers: { ...handlers, [method]: altered } };
  });
}

/** A client that retries no call to which a server has answered. */
function takingAnswersForFinal(transports: TransportFactory): TransportFactory {
  return (address, ...options) => {
    const inner = transports(address, ...options);
    const call = (wire: Parameters<typeof inner.call>[0]) =>
      inner.call(wire).catch((error: unknown) => {
        if (error instanceof TransportError || !(error instanceof RpcError)) throw error;
        throw new RpcError(error.code, error.message, { retryPushbackMs: -1 });
      });
    return wrapTransport(inner, { call });
  };
}

/** A client that doesn't know which of its instances are silent. */
function deafToSilence(transports: TransportFactory): TransportFactory {
  return (address, ...options) => {
    const inner = transports(address, ...options);
    return {
      get state() {
        return inner.state;
      },
      get lastError() {
        return inner.lastError;
      },
      subscribe: (listener) =>
        inner.subscribe((event) => {
          if (event !== 'silence') listener(event);
        }),
      connect: (signal) => inner.connect(signal),
      call: inner.call,
      close: () => inner.close(),
    };
  };
}

/** A client that treats an empty snapshot as the deregistration of all known instances. */
function trustingEmptySnapshots(transports: TransportFactory): TransportFactory {
  return (address, ...options) => {
    const inner = transports(address, ...options);
    if (address !== REGISTRY_ADDRESS) return inner;
    const known = new Set<string>();
    const { call } = inner;
    return Object.assign(inner, {
      async call(wire: Parameters<typeof call>[0]) {
        const reply = await call(wire);
        if (!reply.response.stream) return reply;
        return { ...reply, response: { stream: true, messages: misreadSnapshots(reply.response.messages, known) } };
      },
    });
  };
}

async function* misreadSnapshots(messages: AsyncIterable<Uint8Array>, known: Set<string>): AsyncGenerator<Uint8Array> {
  for await (const bytes of messages) {
    const response = WatchResponse.decode(bytes);
    const { event } = response;
    if (event?.$case === 'snapshot') for (const { instanceId } of event.value.instances) known.add(instanceId);
    if (event?.$case === 'delta') for (const { instanceId } of event.value.upserts) known.add(instanceId);
    if (event?.$case !== 'snapshot' || event.value.instances.length > 0) {
      yield bytes;
      continue;
    }
    const removals = [...known].map((instanceId) => ({ instanceId, reason: 1 }));
    yield WatchResponse.encode({ ...response, event: { $case: 'delta', value: { upserts: [], removals } } }).finish();
  }
}
