import type { Meter } from '@opentelemetry/api';
import type { ResponseCache } from '@rondo/cache';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { AskedPlugin, createAuthorize, LiveSettings, PartContext } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import type { Part, ServiceImplementation } from '@rondo/rpc/server';
import type { SharedConfig } from '../config/shared.js';
import type { Config, Variable, Variables } from '../config/variables.js';
import type { Plugin } from '../plugin.js';
import type { MutableState, Readiness, State } from '../state.js';
import type { Authenticator } from '../tokens.js';
import type { FormerApp } from './former-app.js';

/** What `createApp` receives to wire a service. */
export interface ServiceContext extends PartContext {
  /** Calls other services; it finds them through the registry. */
  readonly channel: Channel;
  /** The addresses of the registries. */
  readonly registry: readonly string[];
  /** The answers that `channel` keeps of methods whose contracts have `cache`. */
  readonly cache: ResponseCache;
  /** The id under which this process registers. */
  readonly instanceId: string;
  /** Whether this process takes calls. */
  readonly readiness: State<Readiness>;
  /** The `google.protobuf.FileDescriptorSet` that this process's reflection serves; undefined if there is none. */
  readonly descriptorSet: Uint8Array | undefined;
  /** Whether the process with this SPIFFE id may serve a service, by the contracts of this process; without an id: whether every process may. */
  readonly mayServe: (identity: string, service: string) => boolean;
  /**
   * Verifies credentials from outside of the system; undefined if none are accepted. Calls that reach a handler
   * have been verified already.
   */
  readonly authenticator: Authenticator | undefined;
  /** The plugin of a kind that a variable asks for, such as the broker of `RONDO_TOPICS` for `createTopics`. */
  readonly plugin: NonNullable<PartContext['plugin']>;
  /** @deprecated Since 0.3 the parts of the database find the broker. This is `broker` of `createTopics` for an app of 0.2. */
  readonly topics?: (() => AskedPlugin | undefined) | undefined;
  /** For the service's own metrics. They are dropped if `RONDO_METRICS` isn't set. */
  readonly meter: Meter;
}

/** A wired service. */
export interface App extends FormerApp {
  /** The services of its contracts. */
  readonly services: readonly ServiceImplementation[];
  /**
   * What the service can't serve without, and what works in its background: its database, jobs, audit. They start in this order, each once
   * those before it are available, and stop in reverse order. Another service is never a part.
   */
  readonly parts?: readonly Part[];
  /**
   * Who may call services whose contracts have no `auth` rule, such as contracts from elsewhere that don't import
   * Rondo's options. The keys are the services' full names. It applies while `RONDO_AUTH=on`.
   */
  readonly auth?: Parameters<typeof createAuthorize>[0];
  /** Middleware around the service's own handlers, outermost first. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /**
   * Middleware outside of `middleware`. It also runs around health, reflection and load reports. `rondo`, load
   * balancers and the image's health check call these services without a user's headers.
   */
  readonly serverMiddleware?: readonly Middleware<ServerCall>[];
  /** Paths of methods that are called all the time: only their failures are logged. */
  readonly quiet?: readonly string[];
  /**
   * The largest request that the service accepts, in bytes; 4 MiB by default. Larger ones fail with
   * `RESOURCE_EXHAUSTED`. `RONDO_MAX_REQUEST_BYTES` takes precedence.
   */
  readonly maxRequestBytes?: number;
  /** Whether the server learns how many calls it can serve, and refuses those that would only queue; true by default. The live setting `admission` takes precedence. */
  readonly learnsLimits?: boolean;
}

/** The variables of a service that reads only the shared ones. */
export type NoVariables = Readonly<Record<never, Variable<unknown>>>;

/** The definition of a service for the process that runs it. */
export interface ServiceOptions<V extends Variables = NoVariables> {
  /** The process's name. It is in every log line and begins the default instance id. */
  readonly name: string;
  /** The port on 127.0.0.1 that it listens on, unless `RONDO_LISTEN` is set. */
  readonly port: number;
  /** The environment variables that it reads besides the shared ones; none by default. */
  readonly variables?: V;
  /**
   * The largest reply that it accepts from other services, in bytes; 4 MiB by default. Larger ones fail with
   * `RESOURCE_EXHAUSTED`.
   */
  readonly maxReplyBytes?: number;
  /** The most memory for the answers of other services that it keeps, in bytes; 32 MiB by default, 0 keeps none. */
  readonly cacheBytes?: number;
  /** Whether it registers; true by default, false for the registry itself. */
  readonly register?: boolean;
  /** What the process uses besides Rondo's core, such as a kind of registry; none by default. `rondo add` adds one. */
  readonly plugins?: readonly Plugin[];
  /** Wires the service. It must not wait: the process waits for the app's `parts`. */
  readonly createApp: (context: ServiceContext, config: Config<V>) => App;
}

/** What all parts of a running process share. */
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
  readonly plugins: readonly Plugin[];
  /** The lowest level that is logged. Setting it changes the log at once. */
  readonly logLevel: MutableState<SharedConfig['logLevel']>;
  /** The live settings that the process holds. Empty until a registry has sent some. */
  readonly settings: MutableState<LiveSettings>;
}
