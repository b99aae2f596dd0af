import { HealthDefinition, HealthCheckResponse_ServingStatus as ServingStatus } from '@rondo/contracts/health/v1/health';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { RpcError, Status } from '@rondo/rpc/status';
import { follow, type State, type Readiness } from './state.js';

/** What health is told from. */
interface HealthOptions {
  readonly readiness: State<Readiness>;
  /** The fully qualified services that this process serves once it is ready. */
  readonly services: readonly string[];
  /** Those that it serves whether it is ready or not, such as this one; none by default. */
  readonly always?: readonly string[];
}

/**
 * `grpc.health.v1.Health`: the process as a whole under the empty name, and each service by its own. They share one
 * status, since a process is ready with all that it serves or not at all. Those that answer always are `SERVING`.
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
      let told: ServingStatus | undefined;
      for await (const current of follow(readiness, call.signal)) {
        const status = known.has(service) ? statusOf(service, current) : ServingStatus.SERVICE_UNKNOWN;
        if (status !== told) yield { status };
        told = status;
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
