import type { Meter } from '@opentelemetry/api';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { Middleware } from '@rondo/rpc/middleware';
import type { ServiceImplementation } from '@rondo/rpc/server';
import type { Config, Variable, Variables } from '../config/variables.js';
import type { Dependency } from './dependencies.js';
import type { SharedConfig } from '../config/shared.js';

/** What a service is given to wire itself with. */
export interface ServiceContext {
  readonly log: Logger;
  /** Reaches every other service, through the registry. */
  readonly channel: Channel;
  /** The name under which this process is registered. */
  readonly instanceId: string;
  /** Measures. */
  readonly clock: Clock;
  /** Tells the date and the time of day. */
  readonly wallClock: WallClock;
  readonly random: Random;
  /** For the service's own metrics; nobody reads it where `RONDO_METRICS` is not set. */
  readonly meter: Meter;
}

/** A service, wired. */
export interface App {
  readonly services: readonly ServiceImplementation[];
  /** Runs around the service's own handlers; the first listed is outermost. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /**
   * Runs outside of that, and around health, reflection and load reports as well, which `rondo`, load balancers and the image's
   * health check call without the headers of a caller.
   */
  readonly serverMiddleware?: readonly Middleware<ServerCall>[];
  /** Paths of methods that are called all the time: of them only failures are logged. */
  readonly quiet?: readonly string[];
  /**
   * The longest request that it takes, in bytes; 4 MiB by default. Longer ones are `RESOURCE_EXHAUSTED`.
   * `RONDO_MAX_REQUEST_BYTES` takes precedence.
   */
  readonly maxRequestBytes?: number;
  /** What the service can't serve without: its own, never another service. */
  readonly dependencies?: readonly Dependency[];
  /** Lets go of what the service holds, once no call is in flight. */
  stop?(): Promise<void> | void;
}

/** What a service reads that reads nothing but the shared variables. */
export type NoVariables = Readonly<Record<never, Variable<unknown>>>;

/** What a service is, to the process that runs it. */
export interface ServiceOptions<V extends Variables = NoVariables> {
  /** The process's name: stands in its log and begins its instance id. */
  readonly name: string;
  /** Where it listens on the loopback unless `RONDO_LISTEN` says otherwise. */
  readonly port: number;
  /** The variables that it reads beside the shared ones; none by default. */
  readonly variables?: V;
  /**
   * The longest reply that it takes of the services that it calls, in bytes; 4 MiB by default. Longer ones are
   * `RESOURCE_EXHAUSTED`. `RONDO_MAX_REPLY_BYTES` takes precedence.
   */
  readonly maxReplyBytes?: number;
  /** Whether it registers; true, but for the registry itself. */
  readonly register?: boolean;
  /** Wires the service. It must not wait for anything: dependencies are what is waited for. */
  readonly createApp: (context: ServiceContext, config: Config<V>) => App;
}

/** What every part of a process shares. */
export interface ServiceRuntime {
  /** The process's name. */
  readonly name: string;
  readonly config: SharedConfig;
  readonly instanceId: string;
  /** When the process started. */
  readonly startedAt: Date;
  readonly clock: Clock;
  readonly wallClock: WallClock;
  readonly random: Random;
  readonly log: Logger;
}
