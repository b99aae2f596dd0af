import type { Attributes } from '@opentelemetry/api';
import type { Method } from '../contract/method.js';
import { RpcError } from '../status/rpc-error.js';

const methods = new WeakMap<Method, TracedMethod>();
/** Calls that every process makes all the time, and calls of tools. */
const BACKGROUND = /^(?:rondo\.(?:gateway|logs|registry|stats|tracing)|grpc\.(?:health|reflection)|xds)\./;

/** What the spans of a method have in common. */
interface TracedMethod {
  /** The name of its spans. */
  readonly name: string;
  readonly attributes: Attributes;
  /** Whether its calls have no spans. */
  readonly background: boolean;
}

/**
 * What the spans of a method have in common. It is made once for each method. The names are those of semantic conventions 1.45.0.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 */
export function tracedMethod(method: Method): TracedMethod {
  let traced = methods.get(method);
  if (traced === undefined) {
    const name = method.path.slice(1);
    const streaming = method.requestStream || method.responseStream;
    const attributes = { 'rpc.system.name': 'grpc', 'rpc.method': name, ...(streaming && { 'rondo.streaming': true }) };
    traced = { name, attributes, background: BACKGROUND.test(name) };
    methods.set(method, traced);
  }
  return traced;
}

/** The attributes of the instance that gets an attempt. */
export function instanceAttributes({
  instanceId,
  address,
}: {
  readonly instanceId: string;
  readonly address: string;
}): Attributes {
  const { host, port } = /^(?<host>[^/]*):(?<port>\d+)$/.exec(address)?.groups ?? {};
  return {
    'server.address': host ?? address,
    ...(port !== undefined && { 'server.port': Number(port) }),
    'rondo.instance': instanceId,
  };
}

/** How work ended, in words of few kinds: a call's status, or the class of the error. */
export function outcomeOf(error: unknown): string {
  if (error === undefined) return 'OK';
  if (error instanceof RpcError) return error.codeName;
  return error instanceof Error ? error.name : 'UNKNOWN';
}

/** The codes that count as errors of the server. */
const SERVERS: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** Whether a status is a fault of the server, not of its caller. */
export function isServersFault(code: string): boolean {
  return SERVERS.has(code);
}
