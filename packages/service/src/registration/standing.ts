import type { Logger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';

/** Says in the log how a process stands with the registry: one line a change, whatever the number of tries. */
export interface Standing {
  reached(): void;
  forgotten(): void;
  failed(error: unknown): void;
  superseded(): void;
}

/** Makes one for the instance `instanceId`. */
export function createStanding(log: Logger, instanceId: string): Standing {
  let registered = false;
  let failing: Status | undefined;
  return {
    reached() {
      if (!registered) log.info({}, 'registered');
      else if (failing !== undefined) log.info({}, 'the registry is back');
      registered = true;
      failing = undefined;
    },
    forgotten() {
      log.info({}, 'the registry has forgotten this instance: registering again');
    },
    failed(error) {
      const code = error instanceof RpcError ? error.code : Status.UNKNOWN;
      // However a registry is away, by turns refusing connections and taking them in silence: it is one outage.
      const kind = PASSING.has(code) ? Status.UNAVAILABLE : code;
      if (kind === failing) return;
      failing = kind;
      const reason = error instanceof Error ? error.message : String(error);
      if (code === Status.ABORTED) log.warn({}, `${PRECEDED}; ${reason}`);
      else if (PASSING.has(code)) log.warn({}, `the registry is away: serving on without it, trying again; ${reason}`);
      else if (code === Status.UNIMPLEMENTED) log.error({}, `${NO_REGISTRY}: serving on, trying again; ${reason}`);
      else log.error({}, `the registry refuses this instance: serving on, trying again; ${reason}`);
    },
    superseded() {
      const remedy = 'give each process its own RONDO_INSTANCE_ID, or stop this one';
      log.error({}, `another process registered as ${instanceId}: callers go there now; ${remedy}`);
    },
  };
}

const NO_REGISTRY = 'what answers at RONDO_REGISTRY is no registry, set it to where the registry listens';

const PRECEDED =
  'the registry holds this instance id for a process that started later, by its clock: serving on, trying again after a ' +
  'lease, as it may be gone';

/** Codes that pass by themselves. */
const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.RESOURCE_EXHAUSTED,
]);
