import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { OperatorState, RegistryServiceDefinition } from '@rondo/contracts/rondo/registry/v1/registry';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { type Channel, createClient, type Endpoint } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { gatewayErrors } from '../errors.js';
import type { Fleet } from './fleet.js';
import { watchJobs } from './jobs.js';
import { readLogs } from './logs.js';
import type { Asker, Questions } from './questions.js';
import { toRegistry, watchSettings } from './settings.js';
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
}

/** Implements the console's contract. */
export function consoleService({
  fleet,
  questions,
  clock,
  channel,
  registry,
}: ConsoleServiceOptions): ServiceImplementation {
  return implement(ConsoleServiceDefinition, {
    checkAccess: (_, { values }) => ({ subject: values.get(callPrincipal)?.subject ?? '' }),
    watchFleet: (_, { signal }) => fleet.watch(signal),
    watchInstance: ({ instanceId }, { signal }) => fleet.watchInstance(instanceId, signal),
    findTrace: (request, call) => findTrace(request, questions, askerOf(call)),
    watchTraces: (request, call) => watchTraces(request, questions, askerOf(call)),
    readLogs: (request, call) => readLogs(request, questions, askerOf(call)),
    watchTransactions: (_, call) => watchTransactions(clock, questions, askerOf(call)),
    watchJobs: (_, call) => watchJobs(clock, questions, askerOf(call)),
    async resolveJob({ instanceId, id, discard }, { signal }) {
      const instance = (await instancesOf(channel, signal)).find((one) => one.instanceId === instanceId);
      if (instance === undefined) throw gatewayErrors.NO_INSTANCE({ instanceId });
      const direct = channel.direct([instance]);
      try {
        const client = createClient(JobServiceDefinition, { channel: direct });
        await (discard ? client.discardJob({ id }, { signal }) : client.retryJob({ id }, { signal }));
        return {};
      } finally {
        direct.close();
      }
    },
    watchSettings: (_, { signal }) => watchSettings({ channel, registry, clock }, signal),
    async setCordon({ instanceId, cordoned, reason }, { signal }) {
      if (cordoned) requireOthers(instanceId, await instancesOf(channel, signal));
      const direct = toRegistry({ channel, registry });
      const { OPERATOR_STATE_CORDONED: taken, OPERATOR_STATE_NONE: none } = OperatorState;
      try {
        const client = createClient(RegistryServiceDefinition, { channel: direct });
        await client.setOperatorState({ instanceId, state: cordoned ? taken : none, reason }, { signal });
        return {};
      } finally {
        direct.close();
      }
    },
  });
}

const askerOf = ({ signal, values }: Pick<ServerCall, 'signal' | 'values'>): Asker => {
  return { signal, principal: values.get(callPrincipal) };
};

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

/** @throws RpcError if there is no such instance, or if it is the last one that takes calls of a service. */
function requireOthers(instanceId: string, instances: readonly Endpoint[]): void {
  const instance = instances.find((one) => one.instanceId === instanceId);
  if (instance === undefined) throw gatewayErrors.NO_INSTANCE({ instanceId });
  const others = instances.filter((one) => one !== instance && one.state === 'serving');
  const served = new Set(others.flatMap(({ services = [] }) => services));
  const deserted = instance.state === 'serving' ? instance.services?.filter((service) => !served.has(service)) : [];
  if (deserted?.length) throw gatewayErrors.LAST_INSTANCE({ instanceId, services: deserted.join(', ') });
}
