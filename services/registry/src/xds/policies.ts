import { createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import type { Logger } from '@rondo/rpc/call';
import { DEFAULT_RETRY, type Method } from '@rondo/rpc/internal';
import { methodOf, toDynamicMethod } from '@rondo/schema';

/** What of a method's contract a gRPC client applies by its route. */
export interface MethodPolicy {
  /** `/package.Service/Method`. */
  readonly path: string;
  /** The longest duration of a call in milliseconds; undefined for any. */
  readonly timeoutMs: number | undefined;
  /** Undefined for no retries. */
  readonly retry: MethodRetry | undefined;
}

interface MethodRetry {
  /** The statuses after which it is retried, as Envoy's `retry_on` names them. */
  readonly on: readonly string[];
  readonly retries: number;
  readonly initialMs: number;
  readonly maxMs: number;
}

/** The policies of a service's methods: those of its contract, if the registry has that. */
export type PoliciesOf = (service: string) => readonly MethodPolicy[];

/** Reads policies from a `google.protobuf.FileDescriptorSet`. A contract that contradicts itself has none, which is logged. */
export function policiesIn(descriptorSet: Uint8Array | undefined, log: Logger): PoliciesOf {
  const contracts =
    descriptorSet === undefined ? undefined : createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSet));
  const known = new Map<string, readonly MethodPolicy[]>();
  return (service) => {
    const contract = contracts?.getService(service);
    if (contract === undefined) return [];
    const present = known.get(service) ?? read(service);
    known.set(service, present);
    return present;
  };

  function read(service: string): readonly MethodPolicy[] {
    try {
      const methods = contracts?.getService(service)?.methods ?? [];
      return methods.flatMap((method) => policyOf(methodOf(toDynamicMethod(method))) ?? []);
    } catch (error) {
      log.warn({ err: error, service }, 'xDS clients get no timeouts and retries of a service: its contract is wrong');
      return [];
    }
  }
}

/** Envoy's names, for the statuses that gRPC clients know. Source: gRFC A44. */
const RETRY_ON: ReadonlyMap<number, string> = new Map([
  [4, 'deadline-exceeded'],
  [8, 'resource-exhausted'],
  [13, 'internal'],
  [14, 'unavailable'],
]);

/** Undefined if clients need no route of their own for the method. */
function policyOf(method: Method | undefined): MethodPolicy | undefined {
  if (method === undefined) return undefined;
  const { path, policy, responseStream } = method;
  // A watch has no end: its client would call again and again.
  const timeoutMs = responseStream ? undefined : policy.timeoutMs;
  const retry = retryOf(policy);
  return timeoutMs === undefined && retry === undefined ? undefined : { path, timeoutMs, retry };
}

/** A method that is safe to repeat only with an idempotency key isn't retried: clients of other kinds send no key. */
function retryOf({ idempotency, key, retry = DEFAULT_RETRY }: Method['policy']): MethodRetry | undefined {
  if (idempotency === 'unknown' || key !== undefined) return undefined;
  const on = [...retry.codes].flatMap((code) => RETRY_ON.get(code) ?? []);
  const { initialMs, maxMs } = retry.backoff;
  return on.length === 0 || retry.maxAttempts < 2
    ? undefined
    : { on, retries: retry.maxAttempts - 1, initialMs, maxMs };
}
