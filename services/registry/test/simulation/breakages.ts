import { RegisterRequest, RegistryServiceDefinition, WatchResponse } from '@rondo/contracts/rondo/registry/v1/registry';
import type { ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import type { TransportFactory } from '@rondo/rpc/transport';
import type { Breakage } from './cluster.js';
import { REGISTRY_ADDRESS } from './registry-process.js';

/** Parts that are broken on purpose, each as somebody could write it by mistake: the simulation has to find them. */
export const BREAKAGES: Readonly<Record<string, Breakage>> = {
  'renewals are answered and forgotten': { registry: instead('renew', () => ({ ttl: { seconds: 10n, nanos: 0 } })) },
  'a caller that repeats a registration is taken for the one that made it': { registry: credulous },
  'a process that another has displaced stays out for good': { registry: unforgiving },
  'goodbyes are answered and forgotten': { registry: instead('deregister', () => ({})) },
  'a client takes an empty list at its word': { client: believing },
};

/** A registry that does `work` where it should do what `method` says. */
function instead(method: string, work: () => unknown) {
  return (services: readonly ServiceImplementation[]): readonly ServiceImplementation[] =>
    services.map(({ definition, handlers }) => ({
      definition,
      handlers: definition === RegistryServiceDefinition ? { ...handlers, [method]: work } : handlers,
    }));
}

/** A registry that takes all secrets for the same. */
function credulous(services: readonly ServiceImplementation[]): readonly ServiceImplementation[] {
  return before('register', services, (request) => Object.assign(Object(request), { secret: Buffer.alloc(32) }));
}

/** A registry that never takes an incarnation that it has refused once. */
function unforgiving(services: readonly ServiceImplementation[]): readonly ServiceImplementation[] {
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

/** A registry that does `work` before it does what `method` says. */
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

/** A client to whom a snapshot without instances means that all it knew have said goodbye. */
function believing(transports: TransportFactory): TransportFactory {
  return (address, ...options) => {
    const inner = transports(address, ...options);
    if (address !== REGISTRY_ADDRESS) return inner;
    const known = new Set<string>();
    const { call } = inner;
    return Object.assign(inner, {
      async call(wire: Parameters<typeof call>[0]) {
        const reply = await call(wire);
        if (!reply.response.stream) return reply;
        return { ...reply, response: { stream: true, messages: misread(reply.response.messages, known) } };
      },
    });
  };
}

async function* misread(messages: AsyncIterable<Uint8Array>, known: Set<string>): AsyncGenerator<Uint8Array> {
  for await (const bytes of messages) {
    const word = WatchResponse.decode(bytes);
    const { event } = word;
    if (event?.$case === 'snapshot') for (const { instanceId } of event.value.instances) known.add(instanceId);
    if (event?.$case === 'delta') for (const { instanceId } of event.value.upserts) known.add(instanceId);
    if (event?.$case !== 'snapshot' || event.value.instances.length > 0) {
      yield bytes;
      continue;
    }
    const removals = [...known].map((instanceId) => ({ instanceId, reason: 1 }));
    yield WatchResponse.encode({ ...word, event: { $case: 'delta', value: { upserts: [], removals } } }).finish();
  }
}
