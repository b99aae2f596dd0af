import type { Attributes } from '@opentelemetry/api';
import type { Method } from '../contract/method.js';
import { RpcError } from '../status/rpc-error.js';

/**
 * The names of OpenTelemetry's semantic conventions 1.45.0.
 *
 * Source: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/
 */
const methods = new WeakMap<Method, Attributes>();

/** The attributes of each span of a method. */
export function attributesOf(method: Method): Attributes {
  let attributes = methods.get(method);
  if (attributes === undefined) {
    attributes = { 'rpc.system.name': 'grpc', 'rpc.method': method.path.slice(1) };
    methods.set(method, attributes);
  }
  return attributes;
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
