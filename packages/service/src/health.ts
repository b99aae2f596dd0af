import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { follow, type Readiness, type State } from './state.js';

/** What a health service reports. */
interface HealthOptions {
  readonly readiness: State<Readiness>;
  /** Fully qualified names of the services that have the process's readiness. */
  readonly services: readonly string[];
  /** Fully qualified names of the services that are always `SERVING`, such as health itself; none by default. */
  readonly always?: readonly string[];
}

/**
 * Creates `grpc.health.v1.Health`. The empty name stands for the whole process. All of `services` share one status,
 * because a process is ready with all of its services or with none. The services in `always` are `SERVING` in every
 * phase.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
export function createHealth({ readiness, services, always = [] }: HealthOptions): ServiceImplementation {
  const served = [...services, ...always];
  const known: ReadonlySet<string> = new Set(['', ...served]);
  const statusOf = (service: string, current: Readiness) =>
    always.includes(service) ? ServingStatus.SERVING : servingStatus(current);
  return implement(HealthDefinition, {
    check({ service }) {
      if (!known.has(service)) throw unknownService(service, served);
      return { status: statusOf(service, readiness.current) };
    },
    list() {
      const statuses = [...known].map((service) => [service, { status: statusOf(service, readiness.current) }]);
      return { statuses: Object.fromEntries(statuses) };
    },
    async *watch({ service }, call) {
      let sent: ServingStatus | undefined;
      for await (const current of follow(readiness, call.signal)) {
        const status = known.has(service) ? statusOf(service, current) : ServingStatus.SERVICE_UNKNOWN;
        if (status !== sent) yield { status };
        sent = status;
      }
    },
  });
}

function servingStatus({ phase }: Readiness): ServingStatus {
  return phase === 'serving' ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}

function unknownService(service: string, services: readonly string[]): RpcError {
  const served = services.length === 0 ? 'none' : services.join(', ');
  return new RpcError(Status.NOT_FOUND, `this process doesn't serve "${service}"; it serves ${served}`);
}
