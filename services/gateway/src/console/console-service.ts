import { EventServiceDefinition } from '@rondo/contracts/rondo/events/v1/events';
import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import { JobServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/jobs';
import { RunServiceDefinition } from '@rondo/contracts/rondo/jobs/v1/runs';
import {
  askRegistry,
  cordonAll,
  type Fleet,
  findTrace,
  type Gatherer,
  gatherTransactions,
  isRestartable,
  type Reach,
  readLogs,
  readSnapshot,
  restartInstance,
  setWeight,
  uncordonAll,
  watchEvents,
  watchJobs,
  watchRuns,
  watchSettings,
  watchTraces,
  withInstance,
} from '@rondo/operate/internal';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { Clock } from '@rondo/rpc/clock';
import { networkOf } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';

/** What the console's contract is served with. */
export interface ConsoleServiceOptions {
  readonly fleet: Fleet;
  readonly gatherer: Gatherer;
  readonly clock: Clock;
  readonly channel: Reach;
  /** The addresses of the registries. */
  readonly registry: readonly string[];
  readonly restart: Parameters<typeof isRestartable>[0];
  /** The address of the dashboards; undefined if there are none. */
  readonly dashboards: string | undefined;
}

/** Implements the console's contract. */
export function consoleService({
  fleet,
  gatherer,
  clock,
  channel,
  registry,
  restart,
  dashboards = '',
}: ConsoleServiceOptions): ServiceImplementation {
  return implement(ConsoleServiceDefinition, {
    checkAccess: (_, { values }) => ({ subject: values.get(callPrincipal)?.subject ?? '', dashboards }),
    watchFleet: (_, { signal }) => fleet.watch(signal),
    async *watchInstance({ instanceId }, { signal }) {
      const restartable = isRestartable(restart, instanceId);
      for await (const event of fleet.watchInstance(instanceId, signal)) yield { ...event, restartable };
    },
    async *watchFigures(request, { signal }) {
      const gateway = restart.ownId;
      for await (const event of fleet.watchFigures(request, signal)) yield { ...event, gateway };
    },
    findTrace: (request, call) => findTrace(request, gatherer, askerOf(call)),
    watchTraces: (request, call) => watchTraces(request, gatherer, askerOf(call)),
    readLogs: (request, call) => readLogs(request, gatherer, askerOf(call)),
    watchTransactions: (_, call) => gatherTransactions(gatherer, { follows: true }, askerOf(call)),
    watchJobs: (_, call) => watchJobs(gatherer, askerOf(call)),
    async resolveJob({ instanceId, id, discard }, { signal }) {
      await atInstance({ channel, instanceId, signal }, (direct) => {
        const client = createClient(JobServiceDefinition, { channel: direct });
        return discard ? client.discardJob({ id }, { signal }) : client.retryJob({ id }, { signal });
      });
      return {};
    },
    watchRuns: (request, call) => watchRuns(request, gatherer, askerOf(call)),
    async resolveRun({ instanceId, name, cancel }, { signal }) {
      await atInstance({ channel, instanceId, signal }, (direct) => {
        const client = createClient(RunServiceDefinition, { channel: direct });
        return cancel ? client.cancelRun({ name }, { signal }) : client.retryRun({ name }, { signal });
      });
      return {};
    },
    watchEvents: (_, call) => watchEvents(gatherer, askerOf(call)),
    async resolveEvents({ instanceId, action }, { signal }) {
      await atInstance({ channel, instanceId, signal }, async (direct) => {
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
      const author = values.get(callPrincipal)?.subject ?? 'the console';
      await setWeight({ channel, registry, instanceId, weight, author }, signal);
      return {};
    },
    async restartInstance({ instanceId }, call) {
      await restartInstance({ ...restart, channel }, instanceId, askerOf(call));
      return {};
    },
    async setCordon({ instanceId, cordoned, reason }, { signal }) {
      await askRegistry({ channel, registry }, async (connection) => {
        const what = { ids: [instanceId], snapshot: await readSnapshot(connection, signal) };
        const cordon = { reason, defaultReason: '', force: false, signal };
        const changes = cordoned ? cordonAll(connection, what, cordon) : uncordonAll(connection, what, signal);
        for await (const _ of changes);
      });
      return {};
    },
  });
}

const askerOf = ({ metadata, signal, values }: Pick<ServerCall, 'metadata' | 'signal' | 'values'>) => {
  const principal = values.get(callPrincipal);
  const client = principal
    ? `${principal.issuer} ${principal.subject}`
    : networkOf(metadata.get('x-forwarded-for') ?? '');
  return { signal, principal, client };
};

/** Calls one instance. @throws RpcError if the registry lists none with this id, and with the instance's code and reason if it refuses. */
async function atInstance(
  options: Parameters<typeof withInstance>[0],
  call: (direct: Channel) => Promise<unknown>,
): Promise<void> {
  try {
    await withInstance(options, call);
  } catch (cause) {
    if (!(cause instanceof RpcError) || cause.origin !== 'server') throw cause;
    const { instanceId } = options;
    throw gatewayErrors.INSTANCE_REFUSES({ instanceId, reason: cause.message }, { code: cause.code, cause });
  }
}
