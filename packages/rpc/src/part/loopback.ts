import { type Clock, type Settle, systemClock, type Timer } from '@rondo/base';
import type { OutcomeStore } from '../call/outcome-store.js';
import { type Channel, type ChannelOptions, createChannel } from '../channel/channel.js';
import { staticResolver } from '../resolver/static.js';
import type { Router } from '../server/router.js';
import { createMemoryNetwork } from '../transport/memory/network.js';

/** The metadata key that names a stored call, and the attempt. */
export const STORED_CALL = 'rondo-job';

/** Carries the calls of a process to its own server without a connection. They are made, admitted, authorised and answered as any others. */
export interface Loopback {
  readonly channel: Channel;
  /** What the server stores the outcomes of calls with idempotency keys in. */
  readonly outcomes: unknown;
  /** Whether the server takes calls of the method with this path. */
  serves(path: string): boolean;
  /** Runs `work`, which makes the stored call `id`: the transaction of the call's handler calls `settle` before its commit. */
  settling<T>(id: string, settle: Settle, work: () => Promise<T>): Promise<T>;
}

/** The loopback as the process that serves has it. */
interface ServedLoopback extends Loopback {
  /** Takes calls from now on, while the process is ready. */
  open(
    router: Pick<Router, 'handle' | 'methods'>,
    process: { readonly outcomes: OutcomeStore | undefined; readonly isReady: () => boolean },
  ): void;
  /** Takes no further calls, and resolves once those in flight have ended, or after the grace. */
  drain(graceMs: number): Promise<void>;
}

/** What a loopback is made with. */
interface LoopbackOptions
  extends Pick<ChannelOptions, 'clock' | 'wallClock' | 'random' | 'logger' | 'middleware' | 'policies'> {
  /** The SPIFFE id of the process; none without mutual TLS. */
  readonly identity?: string | undefined;
}

/** Creates a loopback, which serves nothing before {@link ServedLoopback.open}. */
export function createLoopback({ identity, ...options }: LoopbackOptions): ServedLoopback {
  const { clock = systemClock } = options;
  const network = createMemoryNetwork({ identity });
  const channel = createChannel({ ...options, resolver: staticResolver(['loopback']), transport: network.transport });
  const settles = new Map<string, Settle>();
  const inFlight = new Set<unknown>();
  let paths: ReadonlySet<string> = new Set();
  let [store, isReady]: [OutcomeStore | undefined, () => boolean] = [undefined, () => false];
  let onIdle = () => {};
  return {
    channel,
    get outcomes() {
      return store;
    },
    serves: (path) => paths.has(path) && isReady(),
    async settling(id, settle, work) {
      settles.set(id, settle);
      try {
        return await work();
      } finally {
        settles.delete(id);
      }
    },
    open({ handle, methods }, process) {
      [store, isReady] = [process.outcomes, process.isReady];
      paths = new Set(methods.map(({ path }) => path));
      network.listen('loopback', {
        async handle(wire) {
          inFlight.add(wire);
          try {
            const settle = settles.get(String(wire.metadata.get(STORED_CALL)));
            return await handle(settle === undefined ? wire : { ...wire, settle });
          } finally {
            inFlight.delete(wire);
            if (inFlight.size === 0) onIdle();
          }
        },
      });
    },
    async drain(graceMs) {
      paths = new Set();
      if (inFlight.size > 0) await untilIdle({ clock, graceMs }, (idle) => (onIdle = idle));
    },
  };
}

/** Resolves when `idle` is called, or after the grace. */
async function untilIdle(
  { clock, graceMs }: { readonly clock: Clock; readonly graceMs: number },
  register: (idle: () => void) => void,
): Promise<void> {
  let timer: Timer | undefined;
  await new Promise<void>((resolve) => {
    register(resolve);
    timer = clock.setTimer(graceMs, resolve);
  });
  timer?.cancel();
}
