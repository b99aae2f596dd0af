import type { Logger } from '@rondo/rpc/call';
import { type Clock, sleep } from '@rondo/rpc/clock';
import type { RpcServer } from '@rondo/rpc/server';
import type { Registration } from '../registration/registration.js';
import { DRAINING, type Readiness, type MutableState } from '../state.js';
import { withTimeout } from '../time.js';

/** What a drain ends. */
export interface DrainOptions {
  readonly readiness: MutableState<Readiness>;
  /** Undefined for a process that doesn't register. */
  readonly registration: Registration | undefined;
  readonly server: Pick<RpcServer, 'drain'>;
  /** Ends the checks of dependencies. */
  readonly stopChecks: () => Promise<void>;
  /** Lets go of everything else, once no call is in flight. */
  readonly release: () => Promise<void>;
  /** How long calls are still taken once the registry knows. */
  readonly waitMs: number;
  /** How long the calls in flight may take after that. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

const TELL_TIMEOUT_MS = 2_000;
/** How long a last word has to leave. Milliseconds. */
const LAST_WORD_MS = 50;
/** What the server may need past the grace, to say so to those that it cut off. */
const SERVER_SLACK_MS = 2_000;
const GOODBYE_TIMEOUT_MS = 3_000;
const RELEASE_TIMEOUT_MS = 5_000;

/**
 * Takes a process out of service without failing a call: tells the registry and waits until its watchers have heard,
 * stops accepting, lets the calls in flight finish, says goodbye, lets go. Each step is bounded, and a step that fails
 * keeps none after it from being taken.
 */
export async function drain(options: DrainOptions): Promise<void> {
  const { readiness, registration, server, stopChecks, release, waitMs, graceMs, clock, log } = options;
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
  let told = false;
  await step('telling the registry', TELL_TIMEOUT_MS, async (signal) => {
    told = (await registration?.told(signal)) ?? false;
  });
  // Where the registry is away nobody can be told: the wait would be for nothing. Whoever watches this process's health
  // hears of it all the same, before its stream ends.
  await sleep(clock, told ? waitMs : LAST_WORD_MS);
  await step('ending the calls in flight', graceMs + SERVER_SLACK_MS, () => server.drain(graceMs));
  await step('saying goodbye to the registry', GOODBYE_TIMEOUT_MS, async () => registration?.close());
  await step('letting go', RELEASE_TIMEOUT_MS, async () => {
    await checksStopped;
    await release();
  });
  log.info({}, 'drained');
}

/** What a process holds, in the order in which it came to hold it. */
export interface Resources {
  /** Adds a resource by what lets go of it. */
  hold(release: () => Promise<void> | void): void;
  /**
   * Lets go of all, the latest first.
   *
   * @throws AggregateError of what failed, once all have been tried.
   */
  release(): Promise<void>;
}

/** Makes an empty collection. */
export function createResources(): Resources {
  const releases: (() => Promise<void> | void)[] = [];
  return {
    hold: (release) => void releases.push(release),
    async release() {
      const failures: unknown[] = [];
      for (const release of releases.splice(0).reverse()) {
        try {
          await release();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw new AggregateError(failures, failures.map(String).join('; '));
    },
  };
}
