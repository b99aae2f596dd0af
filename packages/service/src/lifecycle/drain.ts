import { withTimeout } from '@rondo/base';
import type { Logger } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { AppListener, RpcServer } from '@rondo/rpc/server';
import type { Registration } from '../registration/registration.js';
import { DRAINING, type MutableState, type Readiness } from '../state.js';

/** The parts of a process that a drain shuts down. */
export interface DrainOptions {
  readonly readiness: MutableState<Readiness>;
  /** Undefined if the process doesn't register. */
  readonly registration: Registration | undefined;
  readonly server: Pick<RpcServer, 'drain'>;
  /** The servers besides the gRPC server. They are drained at the same time, with the same grace. */
  readonly listeners: readonly Pick<AppListener, 'drain'>[];
  /** Stops the checks of the parts. */
  readonly stopChecks: () => Promise<void>;
  /** Releases everything else, once no call is in flight. */
  readonly release: () => Promise<void>;
  /** How long the server still takes calls once the registry knows of the drain. */
  readonly waitMs: number;
  /** How long the calls in flight may take after that. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const NOTIFY_TIMEOUT_MS = 2_000;
/** Time for the last health update to reach its watchers if the registry can't be notified. */
const LAST_UPDATE_MS = 50;
/** Time for the server, past the grace, to send a status to the calls that it cuts off. */
const SERVER_SLACK_MS = 2_000;
const DEREGISTER_TIMEOUT_MS = 3_000;
/** How long the parts of a process may take to stop, also after a start that fails. */
export const RELEASE_TIMEOUT_MS = 5_000;

/**
 * Takes a process out of service without failing a call. It notifies the registry, waits until the registry's watchers
 * know, stops accepting calls, lets the calls in flight finish, deregisters, and releases its resources. Each step has
 * a timeout. After a failed step the next one still runs.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { readiness, registration, server, listeners, stopChecks, release, waitMs, graceMs, clock, log } = options;
  const step = async (what: string, timeoutMs: number, work: (signal: AbortSignal) => Promise<unknown>) => {
    try {
      await withTimeout(work, { clock, timeoutMs });
    } catch (error) {
      log.warn({ err: error }, `draining: ${what} failed; going on`);
    }
  };
  log.info({ waitMs, graceMs }, 'draining');
  const checksStopped = stopChecks();
  readiness.set(DRAINING);
  let registryKnows = false;
  await step('notifying the registry', NOTIFY_TIMEOUT_MS, async (signal) => {
    registryKnows = (await registration?.synced(signal)) ?? false;
  });
  // If the registry is unavailable, its watchers can't learn of the drain, and the full wait would be useless.
  // Clients that watch this process's health still get the update before their stream ends. The clients of other
  // listeners, such as the gateway's public port, don't learn of the drain from the registry at all.
  await sleep(clock, registryKnows || listeners.length > 0 ? waitMs : LAST_UPDATE_MS);
  await step('ending the calls in flight', graceMs + SERVER_SLACK_MS, () => drainAll([server, ...listeners], graceMs));
  await step('deregistering', DEREGISTER_TIMEOUT_MS, async () => registration?.close());
  await step('releasing resources', RELEASE_TIMEOUT_MS, async () => {
    await checksStopped;
    await release();
  });
  log.info({}, 'drained');
}

/** Drains all servers, even if one fails. @throws AggregateError with every failure, once all have ended. */
async function drainAll(servers: readonly Pick<AppListener, 'drain'>[], graceMs: number): Promise<void> {
  const outcomes = await Promise.allSettled(servers.map(async (server) => server.drain(graceMs)));
  const failures = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
  if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
}
