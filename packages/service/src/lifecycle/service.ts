import type { Meter } from '@opentelemetry/api';
import type { Authenticator } from '@rondo/authentication';
import type { ResponseCache } from '@rondo/cache';
import type { Logger, ServerCall } from '@rondo/rpc/call';
import type { Channel } from '@rondo/rpc/client';
import type { Clock, Random, WallClock } from '@rondo/rpc/clock';
import type { AuthPolicy, LiveSettings } from '@rondo/rpc/internal';
import type { Middleware } from '@rondo/rpc/middleware';
import type { RouterOptions, ServiceImplementation } from '@rondo/rpc/server';
import type { HostPort } from '../config/parsers.js';
import type { SharedConfig } from '../config/shared.js';
import type { Config, Variable, Variables } from '../config/variables.js';
import type { MutableState, Readiness, State } from '../state.js';
import type { Dependency } from './dependencies.js';

/** What `createApp` receives to wire a service. */
export interface ServiceContext {
  readonly log: Logger;
  /** Calls other services; it finds them through the registry. */
  readonly channel: Channel;
  /** The addresses of the registries. */
  readonly registry: readonly string[];
  /** The answers that `channel` keeps of methods whose contracts have `cache`. */
  readonly cache: ResponseCache;
  /** The id under which this process registers. */
  readonly instanceId: string;
  /** Monotonic time and timers. */
  readonly clock: Clock;
  /** Date and time of day. */
  readonly wallClock: WallClock;
  readonly random: Random;
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
  /** The URL of `RONDO_TOPICS`, for `createTopics`; undefined if the database carries events. */
  readonly topics?: string | undefined;
  /** For the service's own metrics. They are dropped if `RONDO_METRICS` isn't set. */
  readonly meter: Meter;
}

/** A server beside the process's gRPC server, such as a public HTTP port. It starts and drains with it. */
export interface AppListener {
  /** Where it will listen. If other machines reach that, the process needs RONDO_AUTH as it does for its own port. */
  readonly at?: HostPort;
  /**
   * Starts to listen. If the port is in use, it may be called again.
   *
   * @throws StartupError if the address can't be bound.
   */
  listen(): Promise<{ readonly address: string }>;
  /** Stops accepting and lets the requests in flight finish. After `graceMs` it cuts off those that are left. */
  drain(graceMs: number): Promise<void>;
}

/** A wired service. */
export interface App {
  readonly services: readonly ServiceImplementation[];
  /**
   * Who may call services whose contracts have no `auth` rule, such as contracts from elsewhere that don't import
   * Rondo's options. The keys are the services' full names. It applies while `RONDO_AUTH=on`.
   */
  readonly auth?: Readonly<Record<string, AuthPolicy>>;
  /** Middleware around the service's own handlers, outermost first. */
  readonly middleware?: readonly Middleware<ServerCall>[];
  /**
   * Middleware outside of `middleware`. It also runs around health, reflection and load reports. `rondo`, load
   * balancers and the image's health check call these services without a user's headers.
   */
  readonly serverMiddleware?: readonly Middleware<ServerCall>[];
  /**
   * Middleware outside of all others and of the checks of callers, around the service's own handlers: it sees the calls that those
   * refuse, such as an audit.
   */
  readonly observers?: readonly Middleware<ServerCall>[];
  /** Stores the outcomes of calls with idempotency keys. It is needed if a contract has such keys. */
  readonly outcomes?: NonNullable<RouterOptions['outcomes']>;
  /** Paths of methods that are called all the time: only their failures are logged. */
  readonly quiet?: readonly string[];
  /**
   * The largest request that the service accepts, in bytes; 4 MiB by default. Larger ones fail with
   * `RESOURCE_EXHAUSTED`. `RONDO_MAX_REQUEST_BYTES` takes precedence.
   */
  readonly maxRequestBytes?: number;
  /** What the service can't serve without, such as its own database. Another service is never a dependency. */
  readonly dependencies?: readonly Dependency[];
  /** Servers beside the gRPC server. They listen after it, and drain at the same time. */
  readonly listeners?: readonly AppListener[];
  /** Releases the app's resources, once no call is in flight. */
  stop?(): Promise<void> | void;
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
   * `RESOURCE_EXHAUSTED`. `RONDO_MAX_REPLY_BYTES` takes precedence.
   */
  readonly maxReplyBytes?: number;
  /** Whether it registers; true by default, false for the registry itself. */
  readonly register?: boolean;
  /** Wires the service. It must not wait: the process waits for the app's `dependencies`. */
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
  /** The lowest level that is logged. Setting it changes the log at once. */
  readonly logLevel: MutableState<SharedConfig['logLevel']>;
  /** The live settings that the process holds. Empty until a registry has sent some. */
  readonly settings: MutableState<LiveSettings>;
}
