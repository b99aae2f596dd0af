import type { Logger } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';

/** Logs the state of a registration: one line per change, whatever the number of tries. */
interface RegistrationLog {
  reached(): void;
  forgotten(): void;
  /** Another process holds the instance id. */
  displaced(error: unknown): void;
  failed(error: unknown): void;
  /** The process registers with a start time by the registry's clock. Its own clock is ahead by `aheadMs`. */
  adjusted(aheadMs: number): void;
}

export function createRegistrationLog(log: Logger, instanceId: string): RegistrationLog {
  let registered = false;
  let failing: Status | 'displaced' | undefined;
  return {
    reached() {
      if (!registered) log.info({}, 'registered');
      else if (failing === 'displaced') log.info({}, `registered again: the other process of ${instanceId} is gone`);
      else if (failing !== undefined) log.info({}, 'the registry is back');
      registered = true;
      failing = undefined;
    },
    forgotten() {
      log.info({}, 'the registry has forgotten this instance: registering again');
    },
    displaced(error) {
      if (failing === 'displaced') return;
      failing = 'displaced';
      const reason = error instanceof Error ? error.message : String(error);
      if (registered) log.error({}, `another process registered as ${instanceId}: callers go there now; ${DISPLACED}`);
      else log.warn({}, `the registry holds this instance id for another process: ${PRECEDED}; ${reason}`);
    },
    failed(error) {
      const code = error instanceof RpcError ? error.code : Status.UNKNOWN;
      // One outage may show as refused connections and as timeouts in turn.
      const kind = PASSING.has(code) ? Status.UNAVAILABLE : code;
      if (kind === failing) return;
      failing = kind;
      const reason = error instanceof Error ? error.message : String(error);
      if (PASSING.has(code)) log.warn({}, `the registry is away: serving on without it, trying again; ${reason}`);
      else if (code === Status.UNIMPLEMENTED) log.error({}, `${NO_REGISTRY}: serving on, trying again; ${reason}`);
      else log.error({}, `the registry refuses this instance: serving on, trying again; ${reason}`);
    },
    adjusted(aheadMs) {
      if (failing === Status.INVALID_ARGUMENT) return;
      const ahead = `this machine's clock is ${Math.round(aheadMs / 1000)} s ahead of the registry's`;
      log.warn({ aheadMs }, `${ahead}: registering by that one; ${CLOCK_REMEDY}`);
    },
  };
}

const NO_REGISTRY = "the server at RONDO_REGISTRY is no registry, set it to the registry's address";

const PRECEDED = 'serving on, trying again after each lease, as that process may be gone';

const DISPLACED =
  'trying again after each lease, as that process may be gone; give each process its own RONDO_INSTANCE_ID, or stop one of them';

const CLOCK_REMEDY = 'set both by NTP (rondo doctor compares them)';

/** Statuses of an unavailable registry: they pass by themselves. */
const PASSING: ReadonlySet<Status> = new Set([
  Status.UNAVAILABLE,
  Status.DEADLINE_EXCEEDED,
  Status.CANCELLED,
  Status.RESOURCE_EXHAUSTED,
]);
