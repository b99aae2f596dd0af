import { ConsoleServiceDefinition } from '@rondo/contracts/rondo/gateway/v1/console';
import {
  askRegistry,
  cordonAll,
  type createFleet,
  findTrace,
  type Gatherer,
  isRestartable,
  type Reach,
  readLogs,
  readSnapshot,
  readWork,
  resolveWork,
  restartInstance,
  setWeight,
  uncordonAll,
  watchSettings,
  watchTraces,
  withInstance,
} from '@rondo/operate/internal';
import { callPrincipal, type ServerCall } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { networkOf } from '@rondo/rpc/internal';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError } from '@rondo/rpc/status';
import { gatewayErrors } from '../errors.js';

/** What the console's contract is served with. */
export interface ConsoleServiceOptions {
  readonly fleet: ReturnType<typeof createFleet>;
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
    watchWork: (request, call) => readWork({ ...request, follows: true }, gatherer, askerOf(call)),
    async resolveWork({ instanceId, action }, { signal }) {
      try {
        await withInstance({ channel, instanceId, signal }, (direct) => resolveWork(action, direct, { signal }));
      } catch (cause) {
        if (!(cause instanceof RpcError) || cause.origin !== 'server') throw cause;
        throw gatewayErrors.INSTANCE_REFUSES({ instanceId, reason: cause.message }, { code: cause.code, cause });
      }
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
