import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import {
  type Method,
  type MethodDefinition,
  methodsOf,
  optionBytes,
  POLICY_TAG,
  type ServiceDefinition,
} from '@rondo/rpc/internal';
import { Firings } from './firings.js';

/** A method that is a job, as its contract declares it, with defaults filled in. */
export interface JobMethod {
  readonly service: ServiceDefinition;
  readonly definition: MethodDefinition;
  readonly method: Method;
  /** Such as `sales.v1.ReminderService/RemindOwner`. */
  readonly name: string;
  readonly maxAttempts: number;
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** How many run at once in all replicas; undefined for no bound. */
  readonly maxRunning: number | undefined;
  /** When it is called by itself. */
  readonly firings: Firings | undefined;
}

const DEFAULT_ATTEMPTS = 12;
const DEFAULT_BASE_MS = 1_000;
const DEFAULT_MAX_MS = 3_600_000;
const DAY_MS = 86_400_000;

/**
 * The methods of `services` that are jobs.
 *
 * @throws TypeError that names the method, the rule and the remedy, if a contract contradicts itself.
 */
export function jobMethodsOf(services: readonly ServiceDefinition[]): ReadonlyMap<MethodDefinition, JobMethod> {
  const found = new Map<MethodDefinition, JobMethod>();
  for (const service of services) {
    for (const [key, method] of methodsOf(service)) {
      const definition = service.methods[key];
      const job = definition && jobOf(service, definition, method);
      if (definition !== undefined && job !== undefined) found.set(definition, job);
    }
  }
  return found;
}

function jobOf(service: ServiceDefinition, definition: MethodDefinition, method: Method): JobMethod | undefined {
  const bytes = optionBytes(definition, POLICY_TAG);
  const job = bytes && MethodPolicy.decode(bytes).job;
  if (job === undefined) return undefined;
  const baseMs = job.initialBackoff === undefined ? DEFAULT_BASE_MS : toMs(job.initialBackoff);
  const maxMs = job.maxBackoff === undefined ? Math.max(baseMs, DEFAULT_MAX_MS) : toMs(job.maxBackoff);
  const declared: JobMethod = {
    ...{ service, definition, method, name: method.path.slice(1) },
    maxAttempts: job.maxAttempts || DEFAULT_ATTEMPTS,
    backoff: { baseMs, maxMs },
    maxRunning: job.maxRunning || undefined,
    firings: job.schedule && new Firings(job.schedule),
  };
  const fault = faultOf(declared);
  if (fault !== undefined) throw new TypeError(`${method.path}: (rondo.options.v1.method).job${fault}`);
  return declared;
}

/** What is wrong with it, as the end of a sentence; undefined if nothing is. */
function faultOf({ method, maxAttempts, backoff: { baseMs, maxMs }, maxRunning = 1, firings }: JobMethod) {
  const { policy, requestStream, responseStream } = method;
  if (requestStream || responseStream) return ' is for a method with one request and one reply; leave it out';
  if (policy.idempotency === 'unknown')
    return ' calls more than once: give the method idempotency: {metadata: "idempotency-key"}, or an idempotency_level';
  if (policy.key?.source.from === 'field')
    return ` has a key of its own for each call, and idempotency.field is ${policy.key.source.inContract}: give idempotency.metadata instead`;
  if (maxAttempts < 1 || maxAttempts > 100) return `.max_attempts is ${maxAttempts}; it must be from 1 to 100`;
  if (baseMs < 1 || baseMs > DAY_MS) return `.initial_backoff is ${baseMs} ms; it must be from 1 ms to 1 day`;
  if (maxMs < baseMs || maxMs > DAY_MS) return `.max_backoff is ${maxMs} ms; it must be from initial_backoff to 1 day`;
  if (maxRunning < 1 || maxRunning > 1_000) return `.max_running is ${maxRunning}; it must be from 1 to 1,000`;
  return firings?.fault === undefined ? undefined : `.schedule${firings.fault}`;
}

const toMs = ({ seconds, nanos }: { readonly seconds: bigint; readonly nanos: number }) =>
  Number(seconds) * 1_000 + nanos / 1e6;
