import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import {
  type Method,
  type MethodDefinition,
  methodsOf,
  optionBytes,
  POLICY_TAG,
  type ServiceDefinition,
} from '@rondo/rpc/internal';
import type { Attempt } from './attempt.js';
import { type DeclaredJob, type DeclaredMethod, declaredJob, faultOf } from './declared.js';

/** A method whose calls are stored. */
export interface StoredMethod extends Omit<DeclaredJob, 'occurrences' | 'overlap'> {
  readonly service: ServiceDefinition;
  readonly definition: MethodDefinition;
  readonly method: Method;
  /** By it its calls are stored, such as `sales.v1.QuoteService/RemindOwner`. */
  readonly name: string;
  /** Whether a call that has failed for good stops its lane. */
  readonly stopsKey?: boolean;
  /** Does the work in this process, in the place of a call, and records what becomes of it. The signal aborts once the claim is lost. */
  readonly execute?: (attempt: Attempt, signal: AbortSignal) => Promise<void>;
}

/** A method that is a job. */
export interface JobMethod extends StoredMethod, DeclaredJob {}

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
  const declared = declaredJob(job);
  const fault = faultOf(declared, declaredMethod(method));
  if (fault !== undefined) throw new TypeError(`${method.path}: (rondo.options.v1.method).job${fault}`);
  return { service, definition, method, name: method.path.slice(1), ...declared };
}

/** What the contract of a method says besides how its calls are stored. */
export function declaredMethod({ policy, requestStream, responseStream }: Method): DeclaredMethod {
  return {
    isUnary: !requestStream && !responseStream,
    isRepeatable: policy.idempotency !== 'unknown',
    keyField: policy.key?.source.from === 'field' ? policy.key.source.inContract : undefined,
    scopes: policy.auth === undefined || policy.auth === 'public' ? [] : policy.auth.scopes,
  };
}
