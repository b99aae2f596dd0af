import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { networkOf } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';
import type { Fleet } from './fleet.js';
import { watchEvents, watchJobs } from './jobs.js';
import { readLogs } from './logs.js';
import type { Asker, Questions } from './questions.js';
import { isRestartable, type RestartOptions, restartInstance } from './restart.js';
import { askRegistry, setWeight, watchSettings } from './settings.js';
import { findTrace, watchTraces } from './traces.js';
import { watchTransactions } from './transactions.js';

/** What the console's contract is served with. */
export interface ConsoleServiceOptions {
  readonly fleet: Fleet;
  readonly questions: Questions;
  readonly clock: Clock;
  readonly channel: Pick<Channel, 'direct' | 'followAll'>;
  /** The addresses of the registries. */
  readonly registry: readonly string[];
  readonly restart: RestartOptions;
}

/** Implements the console's contract. */
export function consoleService({
  fleet,
  questions,
  clock,
  channel,
  registry,
  restart,
}: ConsoleServiceOptions): ServiceImplementation {
  return implement(ConsoleServiceDefinition, {
    checkAccess: (_, { values }) => ({ subject: values.get(callPrincipal)?.subject ?? '' }),
    watchFleet: (_, { signal }) => fleet.watch(signal),
    async *watchInstance({ instanceId }, { signal }) {
      const restartable = isRestartable(restart, instanceId);
      for await (const event of fleet.watchInstance(instanceId, signal)) yield { ...event, restartable };
    },
    findTrace: (request, call) => findTrace(request, questions, askerOf(call)),
    watchTraces: (request, call) => watchTraces(request, questions, askerOf(call)),
    readLogs: (request, call) => readLogs(request, questions, askerOf(call)),
    watchTransactions: (_, call) => watchTransactions(clock, questions, askerOf(call)),
    watchJobs: (_, call) => watchJobs(clock, questions, askerOf(call)),
    async resolveJob({ instanceId, id, discard }, { signal }) {
      await withInstance({ channel, instanceId, signal }, (direct) => {
        const client = createClient(JobServiceDefinition, { channel: direct });
        return discard ? client.discardJob({ id }, { signal }) : client.retryJob({ id }, { signal });
      });
      return {};
    },
    watchEvents: (_, call) => watchEvents(clock, questions, askerOf(call)),
    async resolveEvents({ instanceId, action }, { signal }) {
      await withInstance({ channel, instanceId, signal }, async (direct) => {
        const client = createClient(EventServiceDefinition, { channel: direct });
        if (action?.$case === 'retry') await client.retryEvent(action.value, { signal });
        if (action?.$case === 'discard') await client.discardEvent(action.value, { signal });
        if (action?.$case === 'replay') await client.replayEvents(action.value, { signal });
        if (action?.$case === 'remove') await client.removeGroup(action.value, { signal });
      });
      return {};
    },
    watchSettings: (_, { signal }) => watchSettings({ channel, registry, clock }, signal),
    async setWeight({ instanceId, weight }, { signal, values }) {
      const instances = await instancesOf(channel, signal);
      const author = values.get(callPrincipal)?.subject ?? 'the console';
      await setWeight({ channel, registry, instances, instanceId, weight, author }, signal);
      return {};
    },
    async restartInstance({ instanceId }, { signal, values }) {
      const { secure } = requireInstance(instanceId, await instancesOf(channel, signal));
      // With certificates, the registry and the services take changes only of known operators.
      if (secure && values.get(callPrincipal) === undefined) throw gatewayErrors.NOT_RESTARTABLE({ instanceId });
      await restartInstance(restart, instanceId, signal);
      return {};
    },
    async setCordon({ instanceId, cordoned, reason }, { signal }) {
      const { OPERATOR_STATE_CORDONED: taken, OPERATOR_STATE_NONE: none } = OperatorState;
      await askRegistry({ channel, registry }, async (direct) => {
        if (cordoned) requireOthers(instanceId, await instancesOf(channel, signal));
        const client = createClient(RegistryServiceDefinition, { channel: direct });
        await client.setOperatorState({ instanceId, state: cordoned ? taken : none, reason }, { signal });
      });
      return {};
    },
  });
}

const askerOf = ({ metadata, signal, values }: Pick<ServerCall, 'metadata' | 'signal' | 'values'>): Asker => {
  const principal = values.get(callPrincipal);
  const client = principal
    ? `${principal.issuer} ${principal.subject}`
    : networkOf(metadata.get('x-forwarded-for') ?? '');
  return { signal, principal, client };
};

interface InstanceOptions {
  readonly channel: Pick<Channel, 'direct' | 'followAll'>;
  readonly instanceId: string;
  readonly signal: AbortSignal;
}

/** Calls one instance. @throws RpcError if the registry lists none with this id, and with the instance's code and reason if it refuses. */
async function withInstance(
  { channel, instanceId, signal }: InstanceOptions,
  call: (direct: Channel) => Promise<unknown>,
): Promise<void> {
  const direct = channel.direct([requireInstance(instanceId, await instancesOf(channel, signal))]);
  try {
    await call(direct);
  } catch (cause) {
    if (!(cause instanceof RpcError) || cause.origin !== 'server') throw cause;
    throw gatewayErrors.INSTANCE_REFUSES({ instanceId, reason: cause.message }, { code: cause.code, cause });
  } finally {
    direct.close();
  }
}

/** The instances that the registry lists now. */
async function instancesOf(channel: Pick<Channel, 'followAll'>, signal: AbortSignal): Promise<readonly Endpoint[]> {
  let following: { close(): void } | undefined;
  try {
    return await new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      following = channel.followAll({
        onResolution: ({ endpoints }) => resolve(endpoints),
        onFailure: () => undefined,
        onPending: () => undefined,
      });
    });
  } finally {
    following?.close();
  }
}

/** @throws RpcError if there is no such instance. */
function requireInstance(instanceId: string, instances: readonly Endpoint[]): Endpoint {
  const instance = instances.find((one) => one.instanceId === instanceId);
  if (instance === undefined) throw gatewayErrors.NO_INSTANCE({ instanceId });
  return instance;
}

/** @throws RpcError if there is no such instance, or if it is the last one that takes calls of a service. */
function requireOthers(instanceId: string, instances: readonly Endpoint[]): void {
  const instance = requireInstance(instanceId, instances);
  const others = instances.filter((one) => one !== instance && one.state === 'serving');
  const served = new Set(others.flatMap(({ services = [] }) => services));
  const deserted = instance.state === 'serving' ? instance.services?.filter((service) => !served.has(service)) : [];
  if (deserted?.length) throw gatewayErrors.LAST_INSTANCE({ instanceId, services: deserted.join(', ') });
}
