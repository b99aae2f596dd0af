import type { Meter } from '@opentelemetry/api';
import { ServerReflectionDefinition as ReflectionV1 } from '@rondo/contracts/grpc/reflection/v1/reflection';
import { ServerReflectionDefinition as ReflectionV1Alpha } from '@rondo/contracts/grpc/reflection/v1alpha/reflection';
import { HealthDefinition } from '@rondo/contracts/health/v1/health';
import { OpenRcaServiceDefinition } from '@rondo/contracts/xds/service/orca/v3/orca';
import type { ServerCall } from '@rondo/rpc/call';
import type { Clock } from '@rondo/rpc/clock';
import { methodsOf } from '@rondo/rpc/contract';
import type { Middleware } from '@rondo/rpc/middleware';
import { callLog, callMetrics } from '@rondo/rpc/telemetry';
import type { LOG_LEVELS } from '../config/shared.js';
import { createGate } from '../dependency/gate.js';
import type { Readiness } from '../state/readiness.js';
import type { State } from '../state/state.js';
import type { App } from './service.js';

/** What every server has beside its own services: they answer however ready it is, and aren't registered. */
const COMMON = [HealthDefinition, ReflectionV1, ReflectionV1Alpha, OpenRcaServiceDefinition];

/** Their names. */
export const COMMON_SERVICES: readonly string[] = COMMON.map(({ fullName }) => fullName);

/** Calls that come all the time and say nothing: only their failures are logged. */
const COMMON_PATHS: readonly string[] = COMMON.flatMap((definition) =>
  [...methodsOf(definition).values()].map(({ path }) => path),
);

/** What the chain around every handler is made from. */
export interface ChainOptions {
  readonly name: string;
  readonly app: App;
  readonly readiness: State<Readiness>;
  /** Counts the calls. */
  readonly load: Middleware<ServerCall>;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  readonly meter: Meter;
  readonly clock: Clock;
}

/** The server's chain, outermost first: what measures sees what refuses, and the service's own comes last. */
export function serverChain(options: ChainOptions): readonly Middleware<ServerCall>[] {
  const { name, app, readiness, load, logLevel, meter, clock } = options;
  const everyCall = logLevel === 'debug' || logLevel === 'trace';
  return [
    load,
    callMetrics('server', { meter, clock }),
    callLog({ clock, everyCall, quiet: new Set([...COMMON_PATHS, ...(app.quiet ?? [])]) }),
    createGate({ name, readiness, open: COMMON_SERVICES }),
    ...(app.serverMiddleware ?? []),
    ...(app.middleware ?? []).map(aroundOwn),
  ];
}

const COMMON_NAMES: ReadonlySet<string> = new Set(COMMON_SERVICES);

/** `middleware`, around the service's own methods alone. */
function aroundOwn(middleware: Middleware<ServerCall>): Middleware<ServerCall> {
  return (call, next) => (COMMON_NAMES.has(call.method.service) ? next(call) : middleware(call, next));
}
