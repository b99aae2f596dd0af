import type { Meter } from '@opentelemetry/api';
import { type Clock, type Random, systemClock, type WallClock, withTimeout } from '@rondo/base';
import type { Logger, ServerCall } from '../call/call.js';
import type { Channel } from '../channel/channel.js';
import type { Middleware } from '../middleware/middleware.js';
import type { ServiceImplementation } from '../server/handlers.js';
import type { RouterOptions } from '../server/router.js';
import type { Loopback } from './loopback.js';

/** Tables in the service's database, as `SchemaPart` of `@rondo/database`. */
export interface PartSchema {
  readonly name: string;
  readonly migrations: readonly { readonly name: string; readonly sql: string }[];
}

/** A server besides the process's gRPC server, such as a public HTTP port. It starts and drains with it. */
export interface AppListener {
  /** Where it will listen. If other machines reach that, the process needs RONDO_AUTH as it does for its own port. */
  readonly at?: { readonly host: string; readonly port: number };
  /**
   * Starts to listen. If the port is in use, it may be called again.
   *
   * @throws StartupError if the address can't be bound.
   */
  listen(): Promise<{ readonly address: string }>;
  /** Stops accepting and lets the requests in flight finish. After `graceMs` it cuts off those that are left. */
  drain(graceMs: number): Promise<void>;
}

/** What becomes of a run that another build has stored with the code of this process. */
export interface Trial {
  /** Why it can't go on; undefined if it can. */
  readonly fault: string | undefined;
  /** The types of the stored messages that it reads, such as `sales.v1.PlaceOrderRequest`. */
  readonly messages: readonly string[];
}

/**
 * A part of a service, such as its database, its jobs or its audit: what it adds to the service, and its life. Parts start in the order of
 * the app's list, each once those before it have started, and stop in reverse order.
 */
export interface Part {
  /** A noun phrase, with the address if it has one, without a password: `the database at db:5432`. */
  readonly name: string;
  /** Tables that the part needs in the service's database. The part of the database creates them. */
  readonly schema?: readonly PartSchema[];
  /** Served after the app's own services. */
  readonly services?: readonly ServiceImplementation[];
  /** Around the service's own handlers, outside of all other middleware and of the checks of callers. */
  readonly observers?: readonly Middleware<ServerCall>[];
  /** Around the service's own handlers, outside of the app's own middleware. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /** Servers besides the gRPC server. They listen after it, and drain at the same time. */
  readonly listeners?: readonly AppListener[];
  /** Stores the outcomes of calls with idempotency keys. One part of an app has it at most. */
  readonly outcomes?: NonNullable<RouterOptions['outcomes']>;
  /** Paths of methods that are called all the time: only their failures are logged. */
  readonly quiet?: readonly string[];
  /**
   * Prepares the part, for example by migrations, and starts its work. It may take as long as it needs: only the service's end aborts the
   * signal. If it fails, it is called again. `schema`: of all parts of the app, in their order.
   */
  start?(options: { readonly signal: AbortSignal; readonly schema: readonly PartSchema[] }): Promise<void> | void;
  /**
   * Resolves if the part can do its work, and rejects with the reason if it can't; the service then refuses calls. It is called after the
   * start and then for as long as the service runs. Each check may take 3 s.
   */
  check?(options: { readonly signal: AbortSignal }): Promise<void>;
  /**
   * How long a part may fail its checks before the service refuses calls, in milliseconds. Set it if callers wait for its return, as for a
   * restarting database. By default the service refuses calls from the second failed check in a row.
   */
  readonly graceMs?: number;
  /** Tries what is stored with the code of this process, without any effect and without a start; undefined if it isn't of this service. */
  trial?(stored: Uint8Array): Promise<Trial | undefined>;
  /** Releases what the part holds, once no call is in flight, also if it hasn't started. */
  stop?(): Promise<void> | void;
}

/**
 * What the parts of a service need of its process; `ServiceContext` of `@rondo/service` has it. The database of the service keeps it as
 * `process`, so that the parts which take the database need nothing else.
 */
export interface PartContext {
  readonly log: Logger;
  /** Monotonic time and timers. */
  readonly clock: Clock;
  /** Date and time of day. */
  readonly wallClock: WallClock;
  readonly random: Random;
  /** Calls other services and the service's own replicas; undefined in tests without them. */
  readonly channel?: Channel | undefined;
  /** Calls the server of this process itself; undefined if it has none. */
  readonly loopback?: Loopback | undefined;
  /** Whether the process with this SPIFFE id may serve a service; every process by default. */
  readonly mayServe?: ((identity: string, service: string) => boolean) | undefined;
  /** No metrics if undefined. */
  readonly meter?: Meter | undefined;
  /**
   * The plugin of a kind, and the URL of the variable that asks for it, such as `broker` and that of `RONDO_TOPICS`; undefined if the variable
   * isn't set.
   *
   * @throws ConfigurationError that names the command which adds the plugin, if the app has none for the URL.
   */
  readonly plugin?: ((kind: string) => AskedPlugin | undefined) | undefined;
}

/** A plugin that a variable of the environment asks for. The package that owns the kind knows what else the plugin has. */
export interface AskedPlugin {
  readonly plugin: { readonly kind: string };
  readonly url: string;
}

/** What a service has once its parts are joined to it. */
export type JoinedParts = Pick<Part, 'outcomes'> &
  Required<Pick<Part, 'services' | 'observers' | 'middleware' | 'listeners' | 'quiet'>>;

/** Joins parts, in the order of the list. The outcomes are those of the first part that has some. */
export function joinParts(parts: readonly Omit<Part, 'name'>[]): JoinedParts {
  const outcomes = parts.find((part) => part.outcomes !== undefined)?.outcomes;
  return {
    services: parts.flatMap(({ services = [] }) => services),
    observers: parts.flatMap(({ observers = [] }) => observers),
    middleware: parts.flatMap(({ middleware = [] }) => middleware),
    listeners: parts.flatMap(({ listeners = [] }) => listeners),
    quiet: parts.flatMap(({ quiet = [] }) => quiet),
    ...(outcomes && { outcomes }),
  };
}

/** How long a part may take to stop. The next one then goes on. */
const STOP_TIMEOUT_MS = 2_000;

/**
 * Stops the parts of an app, the last first. A part that hasn't stopped within two seconds has failed.
 *
 * @throws AggregateError with every failure and the name of its part, once all parts have been tried.
 */
export async function stopParts(
  { parts = [] }: { readonly parts?: readonly Part[] },
  { clock = systemClock }: { readonly clock?: Clock } = {},
): Promise<void> {
  const failures: Error[] = [];
  for (const part of parts.toReversed()) {
    try {
      await withTimeout(async () => part.stop?.(), { clock, timeoutMs: STOP_TIMEOUT_MS });
    } catch (error) {
      failures.push(
        new Error(`${part.name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error }),
      );
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, failures.map(({ message }) => message).join('; '));
}
