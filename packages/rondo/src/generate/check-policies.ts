/** Checks the call policies in contracts for contradictions. */
import { type DescFile, type DescMethod, type DescService, ScalarType } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { type DeclaredJob, declaredJob, faultOf } from '../../../jobs/src/declared.js';
import { checkAuth } from '../../../rpc/src/contract/auth-policy.js';
import { balancingOf } from '../../../rpc/src/contract/balancing.js';
import { breakerOf, checkBreaker, duration } from '../../../rpc/src/contract/breaker-policy.js';
import { bulkheadOf, checkBulkhead } from '../../../rpc/src/contract/bulkhead-policy.js';
import { cacheOf, checkCache } from '../../../rpc/src/contract/cache-policy.js';
import { checkHedge, hedgeOf } from '../../../rpc/src/contract/hedge-policy.js';
import { checkKey, keyOf } from '../../../rpc/src/contract/key-policy.js';
import { checkRetry, retryOf } from '../../../rpc/src/contract/retry-policy.js';
import { namedLike } from '../../../rpc/src/tls/spiffe-id.js';
import { type Contracts, faultAt, methodsOf } from './declarations.js';
import { GROUPING, inHashKey, inMetadataKey, inNamed, inResume, KEY, RESOURCE } from './named-fields.js';
import {
  DAY_MS,
  type Faults,
  type Option,
  type Options,
  optionsOf,
  type Policy,
  type ReadMethodPolicy,
  toMs,
  type Wait,
} from './options.js';

/** The faults in the options `rondo.options.v1.service` and `.method` of some files, each with file, line and reason. */
export function checkPolicies({ registry, files }: Contracts): readonly string[] {
  const options = optionsOf(registry);
  // Where a method says who may call it, each other method has to say it too, as no caller could call it.
  const isSecured = (file: DescFile) => methodsOf(file).some((method) => options.method.of(method)?.auth !== undefined);
  const secured = new Set([...registry.files].filter(isSecured).map((file) => file.proto.package));
  return files.flatMap((file) => [...inFile(file, options, secured.has(file.proto.package))]);
}

const NO_AUTH =
  'has no auth, unlike other methods of its package, so no caller could call it; say in (rondo.options.v1.method).auth who may: public, scopes or callers';

function* inFile(file: DescFile, options: Options, isSecured: boolean): Faults {
  for (const service of file.services) {
    for (const reason of inService(service, options)) yield faultAt(service, reason, options.service);
    for (const method of service.methods) {
      for (const reason of inMethod(method, options)) yield faultAt(method, reason, options.method);
      if (isSecured && options.method.of(method)?.auth === undefined) yield faultAt(method, NO_AUTH);
    }
  }
}

function* inService(service: DescService, options: Options): Faults {
  const option = options.service.of(service)?.balancing;
  if (option === undefined) return;
  const policy = enumName('BalancingPolicy', option.policy, options);
  const balancing = balancingOf(option, { policy, weights: enumName('WeightSource', option.weights, options) });
  if (typeof balancing === 'string') yield `balancing: ${balancing}`;
  const keyed = service.methods.some((method) => options.method.of(method)?.hashKey !== undefined);
  if (policy === 'BALANCING_POLICY_RING_HASH' && !keyed) {
    yield 'balancing.policy is ring_hash, and no method says its key; give those that have one a hash_key in (rondo.options.v1.method)';
  }
}

function* inMethod(method: DescMethod, options: Options): Faults {
  const policy = options.method.of(method);
  if (policy === undefined) return;
  const { timeout, hashKey, resume, compression, retry, hedge, idempotency, cache, breaker, bulkhead } = policy;
  const whole = duration('timeout', timeout && toMs(timeout), [1, DAY_MS]);
  if (whole !== undefined) yield whole;
  if (enumName('Compression', compression, options) === undefined)
    yield `compression is ${compression}, which is none; name one`;
  if (hashKey !== undefined) yield* inHashKey(method, hashKey);
  if (resume !== undefined) yield* inResume(method, resume);
  yield* atStart(method, policy);
  if (idempotency?.source.case === 'metadata') yield* inMetadataKey('idempotency.metadata', idempotency.source.value);
  if (idempotency?.source.case === 'field')
    yield* inNamed('idempotency.field', idempotency.source.value, { message: method.input, kind: KEY });
  const repeatable = idempotency !== undefined || method.idempotency !== IDEMPOTENCY_UNKNOWN;
  if (!repeatable && retry !== undefined) yield `retry ${NEEDS_IDEMPOTENCY}`;
  if (!repeatable && hedge !== undefined && method.methodKind === 'unary') yield `hedge ${NEEDS_IDEMPOTENCY}`;
  if (hedge !== undefined && retry?.maxAttempts === 1)
    yield 'hedge makes a second attempt, and retry.max_attempts is 1; allow 2 or more, or leave one of the two out';
  if (cache?.feed !== undefined) yield* inFeed(method, cache.feed, options.method);
  if (bulkhead?.queueTimeout !== undefined && bulkhead.maxQueued === 0)
    yield 'bulkhead.queue_timeout is set, and there is no queue; set bulkhead.max_queued, or leave it out';
  yield* inTimeout('hedge.delay', hedge?.delay, timeout);
  yield* inTimeout('breaker.slow_call', breaker?.slowCall, timeout);
  yield* inTimeout('bulkhead.queue_timeout', bulkhead?.queueTimeout, timeout);
  if (policy.job === undefined) return;
  yield* inJob(method, policy.job, policy);
  yield* inCallers('job', { auth: policy.auth, by: method.parent, service: options.service });
}

/** What a process would refuse to start with, by the code that it would refuse it by. */
function* atStart({ proto, methodKind, idempotency: level }: DescMethod, policy: ReadMethodPolicy): Faults {
  const { retry, hedge, idempotency, cache, breaker, bulkhead, auth } = policy;
  const isStream = methodKind !== 'unary';
  const { clientStreaming: requestStream, serverStreaming: responseStream } = proto;
  const form = { requestStream, responseStream, options: { idempotencyLevel: MethodOptions_IdempotencyLevel[level] } };
  const retried = retry && retryOf(retry);
  const faults = {
    retry: retried && checkRetry(retried),
    hedge: hedge && checkHedge(hedgeOf(hedge), isStream),
    idempotency: idempotency && checkKey(keyOf(asInStubs(idempotency), undefined, sameName), form, retried),
    cache: cache && checkCache(cacheOf(cache, sameName), form),
    breaker: breaker && checkBreaker(breakerOf(breaker), isStream),
    bulkhead: bulkhead && checkBulkhead(bulkheadOf(bulkhead)),
    auth: auth && checkAuth(auth),
  };
  for (const [option, fault] of Object.entries(faults)) if (fault !== undefined) yield `${option}${fault}`;
}

const sameName = (name: string) => name;
const asInStubs = ({ source, ...others }: Policy<'idempotency'>) => ({
  ...others,
  source: source.case && { $case: source.case, value: source.value },
});

function* inJob(method: DescMethod, job: Policy<'job'>, { idempotency, auth }: ReadMethodPolicy): Faults {
  const declared = declaredJob(job);
  const fault = faultOf(declared, {
    isUnary: method.methodKind === 'unary',
    isRepeatable: idempotency !== undefined || method.idempotency !== IDEMPOTENCY_UNKNOWN,
    keyField: idempotency?.source.case === 'field' ? idempotency.source.value : undefined,
    scopes: auth?.scopes ?? [],
  });
  if (fault !== undefined) yield `job${fault}`;
  else if (idempotency !== undefined) yield* inPauses(declared, idempotency);
  const { field } = job.maxRunningPerKey ?? {};
  if (field !== undefined)
    yield* inNamed('job.max_running_per_key.field', field, { message: method.input, kind: GROUPING });
}

/** An outcome that is forgotten while attempts go on would take effect again. If the last one's isn't known, one more follows. */
function* inPauses(
  { maxAttempts, backoff: { baseMs, maxMs } }: DeclaredJob,
  { retention }: Policy<'idempotency'>,
): Faults {
  let needed = 0;
  for (let failures = 0; failures < maxAttempts; failures += 1) needed += Math.min(maxMs, baseMs * 2 ** failures);
  const kept = retention ? toMs(retention) : DAY_MS;
  if (kept < needed)
    yield `idempotency.retention is ${kept} ms, and a job may be called again for ${needed} ms, as job has attempts and pauses; make it at least as long`;
}

function* inFeed(
  reader: DescMethod,
  { method: name, key }: Policy<'cache'>['feed'] & {},
  option: Options['method'],
): Faults {
  const { parent, input } = reader;
  const watch = parent.methods.find((one) => one.name === name);
  const resource = watch?.output.fields.find(({ number }) => number === 1);
  const text = resource?.fieldKind === 'scalar' && resource.scalar === ScalarType.STRING;
  if (watch === undefined) {
    yield `cache.feed.method is "${name}", and the service has no such method; name one that streams changes`;
  } else if (watch.methodKind !== 'server_streaming' || watch.idempotency !== NO_SIDE_EFFECTS) {
    yield `cache.feed.method is ${name}, which is no stream of replies without side effects; name one that streams changes`;
  } else if (!text) {
    yield `cache.feed.method is ${name}, whose messages have no string with the number 1, the name of what has changed`;
  } else {
    // A client watches with the scopes that the readers of its answers have.
    const needed = option.of(watch)?.auth?.scopes ?? [];
    const more = needed.find((scope) => !option.of(reader)?.auth?.scopes.includes(scope));
    if (more !== undefined) {
      yield `cache.feed.method is ${name}, which needs the scope ${more}, and ${reader.name} doesn't; give both the same scopes`;
    }
  }
  if (key !== '') yield* inNamed('cache.feed.key', key, { message: input, kind: RESOURCE });
}

/** A wait has to end before the call does. */
function* inTimeout(name: string, wait: Wait | undefined, timeout: Wait | undefined): Faults {
  if (wait === undefined || timeout === undefined || toMs(wait) < toMs(timeout)) return;
  yield `${name} is ${toMs(wait)} ms, and each call ends after ${toMs(timeout)} ms, its timeout; make it shorter`;
}

const NEEDS_IDEMPOTENCY =
  'makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out';
const { IDEMPOTENCY_UNKNOWN, NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** The name of a value of an enum of the options' contract; undefined if the number has no name. */
const enumName = (type: string, number: number, { registry }: Options): string | undefined =>
  registry.getEnum(`rondo.options.v1.${type}`)?.value[number]?.name;

interface StoredCalls {
  readonly auth: Policy<'auth'> | undefined;
  /** The service whose process makes them. */
  readonly by: DescService;
  readonly service: Option<ServicePolicy>;
}

export function* inCallers(option: 'job' | 'subscription', { auth, by, service }: StoredCalls): Faults {
  const callers = auth?.callers ?? [];
  const { servedBy = [] } = service.of(by) ?? {};
  if (callers.length === 0 || callers.includes('*') || servedBy.includes('*')) return;
  for (const name of servedBy.length > 0 ? servedBy : [namedLike(by.typeName)])
    if (!callers.includes(name))
      yield `${option} is called by ${name}, which serves ${by.typeName}, and auth.callers has ${callers.join(', ')}: name ${name} there, too`;
}
