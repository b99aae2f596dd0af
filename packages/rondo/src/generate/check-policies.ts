/** Checks the call policies in contracts for contradictions. */
import {
  type DescExtension,
  type DescFile,
  type DescMethod,
  type DescService,
  type FileRegistry,
  ScalarType,
} from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import type { Balancing, ServicePolicy } from '@rondo/contracts/rondo/options/v1/options';
import { declaredJob, faultOf } from '../../../jobs/src/declared.js';
import { inCallers } from './check-callers.js';
import { type Contracts, faultAt, methodsOf } from './declarations.js';
import { GROUPING, inHashKey, inMetadataKey, inNamed, inResume, KEY, RESOURCE } from './named-fields.js';
import {
  DAY_MS,
  type Faults,
  MINUTE_MS,
  methodPolicy,
  type Option,
  type Policy,
  type ReadMethodPolicy,
  servicePolicy,
  toMs,
  type Wait,
} from './options.js';

interface Options {
  readonly method: Option<ReadMethodPolicy>;
  readonly service: Option<ServicePolicy>;
}

const HOUR_MS = 60 * MINUTE_MS;
const MAX_VARY = 16;

/** The faults in the options `rondo.options.v1.service` and `.method` of some files, each with file, line and reason. */
export function checkPolicies({ registry, files }: Contracts): readonly string[] {
  const [method, service] = [methodPolicy(registry), servicePolicy(registry)];
  // Without the extensions, no file uses the options.
  if (method === undefined || service === undefined) return [];
  const secured = securedPackages(registry, method);
  return files.flatMap((file) => [...inFile(file, { method, service }, secured.has(file.proto.package))]);
}

/** The packages of which a method says who may call it: each other method has to say it too, as no caller could call it. */
function securedPackages(registry: FileRegistry, option: Options['method']): ReadonlySet<string> {
  const secured = [...registry.files].filter((file) =>
    methodsOf(file).some((method) => option.of(method)?.auth !== undefined),
  );
  return new Set(secured.map((file) => file.proto.package));
}

const NO_AUTH =
  'has no auth, unlike other methods of its package, so no caller could call it; say in (rondo.options.v1.method).auth who may: public, scopes or callers';

function* inFile(file: DescFile, options: Options, isSecured: boolean): Faults {
  for (const service of file.services) {
    for (const reason of inService(service, options))
      yield faultAt(service, `${service.name}: ${reason}`, options.service.extension.number);
    for (const method of service.methods) {
      const name = `${service.name}.${method.name}`;
      for (const reason of inMethod(method, options))
        yield faultAt(method, `${name}: ${reason}`, options.method.extension.number);
      const isOpen = isSecured && options.method.of(method)?.auth === undefined;
      if (isOpen) yield faultAt(method, `${name}: ${NO_AUTH}`);
    }
  }
}

function* inService(service: DescService, options: Options): Faults {
  const balancing = options.service.of(service)?.balancing;
  if (balancing === undefined) return;
  const nameOf = (field: 'policy' | 'weights') =>
    enumName(options.service.extension, ['balancing', field], balancing[field]);
  const [policy, weights] = [nameOf('policy'), nameOf('weights')];
  if (policy === undefined) yield `balancing.policy is ${balancing.policy}, which no policy has; name one`;
  if (weights === undefined) yield `balancing.weights is ${balancing.weights}, which nothing has; name one`;
  yield* inBalancing(balancing, { policy, weights });
  const keyed = service.methods.some((method) => options.method.of(method)?.hashKey !== undefined);
  if (policy === 'BALANCING_POLICY_RING_HASH' && !keyed) {
    yield 'balancing.policy is ring_hash, and no method says its key; give those that have one a hash_key in (rondo.options.v1.method)';
  }
}

function* inBalancing(
  { slowStart, subsetSize, hashBalanceFactor }: Balancing,
  { policy, weights }: { readonly policy: string | undefined; readonly weights: string | undefined },
): Faults {
  yield* outside('balancing.slow_start', slowStart, [0, HOUR_MS, 'from 0 s to 1 h']);
  yield* outside('balancing.subset_size', subsetSize, [0, 10_000, 'from 1 to 10,000, or missing for all']);
  const factor = hashBalanceFactor === 0 ? undefined : hashBalanceFactor;
  yield* outside('balancing.hash_balance_factor', factor, [100, 10_000, 'from 100 to 10,000, or missing for no bound']);
  if (hashBalanceFactor !== 0 && policy !== 'BALANCING_POLICY_RING_HASH') {
    yield 'balancing.hash_balance_factor goes with ring_hash alone; leave it out, or choose that policy';
  }
  if (weights === 'WEIGHT_SOURCE_LOAD' && policy !== 'BALANCING_POLICY_WEIGHTED_ROUND_ROBIN') {
    yield 'balancing.weights is load, by which weighted_round_robin alone weighs; leave one of the two';
  }
  if (policy === 'BALANCING_POLICY_RING_HASH' && subsetSize !== 0) {
    yield 'balancing.subset_size goes with no ring_hash, for which all clients have to call the same instances';
  }
}

function* inMethod(method: DescMethod, options: Options): Faults {
  const policy = options.method.of(method);
  if (policy === undefined) return;
  const { timeout, hashKey, resume, compression, retry, hedge, idempotency, cache, breaker, bulkhead } = policy;
  yield* outside('timeout', timeout, [1, DAY_MS, 'from 1 ms to 24 h']);
  if (enumName(options.method.extension, ['compression'], compression) === undefined) {
    yield `compression is ${compression}, which is none; name one`;
  }
  if (hashKey !== undefined) yield* inHashKey(method, hashKey);
  if (resume !== undefined) yield* inResume(method, resume);
  if (idempotency !== undefined) yield* inIdempotency(method, idempotency, { retry, options });
  const repeatable = idempotency !== undefined || method.idempotency !== IDEMPOTENCY_UNKNOWN;
  if (!repeatable && retry !== undefined) yield `retry ${NEEDS_IDEMPOTENCY}`;
  if (!repeatable && hedge !== undefined && method.methodKind === 'unary') yield `hedge ${NEEDS_IDEMPOTENCY}`;
  if (retry !== undefined) yield* inRetry(retry, options);
  if (hedge !== undefined) yield* inHedge(method, hedge, { timeout, retry });
  if (cache !== undefined) yield* inCache(method, cache, options.method);
  if (breaker !== undefined) yield* inBreaker(method, breaker, timeout);
  if (bulkhead !== undefined) yield* inBulkhead(bulkhead, timeout);
  if (policy.auth !== undefined) yield* inAuth(policy.auth);
  if (policy.job === undefined) return;
  yield* inJob(method, policy.job, policy);
  yield* inCallers('job', { auth: policy.auth, by: method.parent, service: options.service });
}

function* inJob(method: DescMethod, job: Policy<'job'>, { idempotency, auth }: ReadMethodPolicy): Faults {
  const fault = faultOf(declaredJob(job), {
    isUnary: method.methodKind === 'unary',
    isRepeatable: idempotency !== undefined || method.idempotency !== IDEMPOTENCY_UNKNOWN,
    keyField: idempotency?.source.case === 'field' ? idempotency.source.value : undefined,
    scopes: auth?.scopes ?? [],
  });
  if (fault !== undefined) yield `job${fault}`;
  const { field } = job.maxRunningPerKey ?? {};
  if (field !== undefined)
    yield* inNamed('job.max_running_per_key.field', field, { message: method.input, kind: GROUPING });
}

function* inAuth({ public: isPublic, scopes, callers }: Policy<'auth'>): Faults {
  const given = scopes.length + callers.length;
  if (isPublic && given > 0)
    yield 'auth.public is for every caller, and scopes or callers are given too; leave one of them out';
  if (!isPublic && given === 0) yield 'auth is empty; give public, scopes or callers';
  for (const scope of scopes) {
    if (!/^[a-z0-9][a-z0-9._:/-]{0,63}$/.test(scope)) {
      yield `auth.scopes has "${scope}"; a scope has 1 to 64 characters of a-z 0-9 . _ : / -`;
    }
  }
  for (const caller of callers) {
    if (!/^(?:\*|[\w.-]+(?:\/[\w.-]+)*)$/.test(caller)) {
      yield `auth.callers has "${caller}"; name a process as its certificate does, such as shop, or *`;
    }
  }
  if (callers.includes('*') && callers.length > 1) yield 'auth.callers has * and names; leave one of them out';
}

function* inCache(
  method: DescMethod,
  { ttl, staleWhileRevalidate: stale, vary, feed }: Policy<'cache'>,
  option: Options['method'],
): Faults {
  if (method.methodKind !== 'unary') return yield* onlyUnary('cache');
  if (method.idempotency !== NO_SIDE_EFFECTS) {
    yield 'cache answers without a call, which is right for idempotency_level = NO_SIDE_EFFECTS alone; say so, or leave it out';
  }
  if (ttl === undefined) yield 'cache has no ttl; say how long an answer is fresh';
  yield* outside('cache.ttl', ttl, [1, DAY_MS, 'from 1 ms to 24 h']);
  yield* outside('cache.stale_while_revalidate', stale, [0, DAY_MS, 'from 0 s to 24 h']);
  if (vary.length > MAX_VARY) yield `cache.vary has ${vary.length} keys; ${MAX_VARY} are the most`;
  for (const key of vary) yield* inMetadataKey('cache.vary', key);
  if (feed !== undefined) yield* inFeed(method, feed, option);
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

function* inRetry({ maxAttempts, codes, backoff }: Policy<'retry'>, { method }: Options): Faults {
  yield* outside('retry.max_attempts', maxAttempts, [0, 5, 'from 1 to 5, or missing for 3']);
  for (const code of codes) {
    const name = enumName(method.extension, ['retry', 'codes'], code);
    if (name === undefined) yield `retry.codes has ${code}, which is no status code of gRPC; name one`;
    else if (name === 'OK' || name === 'CANCELLED') {
      yield `retry.codes has ${name}, after which no call is retried; leave it out`;
    }
  }
  const { initial, max } = backoff ?? {};
  yield* outside('retry.backoff.initial', initial, [1, MINUTE_MS, 'from 1 ms to 1 min']);
  const least = initial === undefined ? DEFAULT_BACKOFF_MS : toMs(initial);
  yield* outside('retry.backoff.max', max, [least, MINUTE_MS, `from ${least} ms, the first wait, to 1 min`]);
}

function* inHedge(
  method: DescMethod,
  { delay }: Policy<'hedge'>,
  { timeout, retry }: Pick<ReadMethodPolicy, 'timeout' | 'retry'>,
): Faults {
  if (method.methodKind !== 'unary') return yield* onlyUnary('hedge');
  if (retry?.maxAttempts === 1) {
    yield 'hedge makes a second attempt, and retry.max_attempts is 1; allow 2 or more, or leave one of the two out';
  }
  yield* inTimeout('hedge.delay', delay, { timeout, range: [1, HOUR_MS, 'from 1 ms to 1 h'] });
}

function* inBreaker(
  method: DescMethod,
  { failurePercent, slowCall, window, minCalls, probes }: Policy<'breaker'>,
  timeout: Wait | undefined,
): Faults {
  yield* outside('breaker.failure_percent', failurePercent, [0, 100, 'from 1 to 100, or missing for 50']);
  yield* outside('breaker.min_calls', minCalls, [0, 10_000, 'from 1 to 10,000, or missing for 20']);
  yield* outside('breaker.probes', probes, [0, 100, 'from 1 to 100, or missing for 3']);
  yield* outside('breaker.window', window, [1_000, 10 * MINUTE_MS, 'from 1 s to 10 min']);
  if (slowCall === undefined) return;
  if (method.methodKind !== 'unary') {
    yield 'breaker.slow_call is for a method with one request and one reply, as the reader of a stream decides how long it lasts; leave it out';
  } else yield* inTimeout('breaker.slow_call', slowCall, { timeout, range: [1, HOUR_MS, 'from 1 ms to 1 h'] });
}

function* inBulkhead({ maxCalls, maxQueued, queueTimeout }: Policy<'bulkhead'>, timeout: Wait | undefined): Faults {
  const calls = 'from 1 to 100,000: name the most calls, or leave bulkhead out';
  yield* outside('bulkhead.max_calls', maxCalls, [1, 100_000, calls]);
  yield* outside('bulkhead.max_queued', maxQueued, [0, 100_000, 'from 0 to 100,000']);
  if (queueTimeout === undefined) return;
  if (maxQueued === 0) {
    yield 'bulkhead.queue_timeout is set, and there is no queue; set bulkhead.max_queued, or leave it out';
  } else {
    yield* inTimeout('bulkhead.queue_timeout', queueTimeout, { timeout, range: [1, MINUTE_MS, 'from 1 ms to 1 min'] });
  }
}

function* onlyUnary(option: string): Faults {
  yield `${option} is for a method with one request and one reply; leave it out`;
}

/** A wait has to end before the call does. */
function* inTimeout(
  name: string,
  wait: Wait | undefined,
  { timeout, range }: { readonly timeout: Wait | undefined; readonly range: Range },
): Faults {
  const faults = [...outside(name, wait, range)];
  yield* faults;
  if (faults.length > 0 || wait === undefined || timeout === undefined || toMs(wait) < toMs(timeout)) return;
  yield `${name} is ${toMs(wait)} ms, and each call ends after ${toMs(timeout)} ms, its timeout; make it shorter`;
}

const NEEDS_IDEMPOTENCY =
  'makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out';
const DEFAULT_BACKOFF_MS = 10;
const { IDEMPOTENCY_UNKNOWN, NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** Errors that say nothing about the request, and so are never its outcome. */
const NEVER_FINAL = ['OK', 'CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'];

function* inIdempotency(
  method: DescMethod,
  { source, retention, finalCodes }: Policy<'idempotency'>,
  { retry, options }: { readonly retry: Policy<'retry'> | undefined; readonly options: Options },
): Faults {
  if (method.methodKind !== 'unary') return yield* onlyUnary('idempotency');
  if (method.idempotency !== IDEMPOTENCY_UNKNOWN) {
    const level = MethodOptions_IdempotencyLevel[method.idempotency];
    yield `idempotency is for a method that is not safe to repeat, and idempotency_level is ${level}; leave one of the two out`;
  }
  if (source.case === 'metadata') yield* inMetadataKey('idempotency.metadata', source.value);
  else if (source.case === 'field')
    yield* inNamed('idempotency.field', source.value, { message: method.input, kind: KEY });
  else yield 'idempotency names neither a field nor a metadata key';
  yield* outside('idempotency.retention', retention, [MINUTE_MS, 365 * DAY_MS, 'from 1 min to 365 days']);
  for (const code of finalCodes) {
    const name = enumName(options.method.extension, ['idempotency', 'final_codes'], code);
    if (name === undefined) yield `idempotency.final_codes has ${code}, which is no status code of gRPC; name one`;
    else if (NEVER_FINAL.includes(name)) {
      yield `idempotency.final_codes has ${name}, which says nothing final about a request; leave it out`;
    } else if (retry?.codes.includes(code)) {
      yield `idempotency.final_codes has ${name}, after which retry.codes calls again for another outcome; leave it out of one`;
    }
  }
}

/** The name of an enum value of a field of the options' contract; undefined if the number has no name. */
function enumName({ message }: DescExtension, [first, ...rest]: readonly string[], number: number): string | undefined {
  let field = message?.fields.find(({ name }) => name === first);
  for (const next of rest) field = field?.message?.fields.find(({ name }) => name === next);
  return field?.enum?.values.find((value) => value.number === number)?.name;
}

/** The bounds of a value, and what they are in words. */
type Range = readonly [min: number, max: number, words: string];

/** A zero isn't sent: it means that the field is missing. */
function* outside(name: string, value: number | Wait | undefined, [min, max, words]: Range): Faults {
  if (value === undefined) return;
  const given = typeof value === 'number' ? value : toMs(value);
  if (given >= min && given <= max) return;
  yield `${name} is ${given}${typeof value === 'number' ? '' : ' ms'}; it must be ${words}`;
}
