import {
  HealthDefinition,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from '@rondo/contracts/health/v1/health';
import { implement, type ServiceImplementation } from '@rondo/rpc/server';
import { serviceErrors } from './errors.js';
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
  return serveHealth({
    services: () => served,
    isServing(service) {
      if (!known.has(service)) return undefined;
      return always.includes(service) || readiness.current.phase === 'serving';
    },
    subscribe: (listener) => readiness.subscribe(listener),
  });
}

/** Services whose health may change one by one. */
export interface HealthSource {
  /** The fully qualified services that are known. */
  services(): readonly string[];
  /** Whether a service takes calls; undefined if it isn't known. The empty name stands for the whole process. */
  isServing(service: string): boolean | undefined;
  /** Calls `listener` after each change, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** Creates `grpc.health.v1.Health` over services that may change: see {@link createHealth}. */
export function serveHealth(source: HealthSource): ServiceImplementation {
  return implement(HealthDefinition, {
    check({ service }) {
      const serving = source.isServing(service);
      if (serving === undefined)
        throw serviceErrors.UNKNOWN_SERVICE({ service, services: source.services().join(', ') || 'none' });
      return { status: toStatus(serving) };
    },
    list() {
      const statuses = ['', ...source.services()].map((service) => {
        return [service, { status: toStatus(source.isServing(service)) }] as const;
      });
      return { statuses: Object.fromEntries(statuses) };
    },
    async *watch({ service }, call) {
      for await (const status of follow(statusOf(service, source), call.signal)) yield { status };
    },
  });
}

/** The status of a service as an observable value. */
function statusOf(service: string, source: HealthSource): State<ServingStatus> {
  const current = () => toStatus(source.isServing(service));
  return {
    get current() {
      return current();
    },
    subscribe: (listener) => source.subscribe(() => listener(current())),
  };
}

function toStatus(serving: boolean | undefined): ServingStatus {
  if (serving === undefined) return ServingStatus.SERVICE_UNKNOWN;
  return serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
}
