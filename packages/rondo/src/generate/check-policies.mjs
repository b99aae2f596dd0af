/** Checks the call policies in contracts for contradictions. */
import { create, createFileRegistry, getOption, hasOption, ScalarType } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { inHashKey, inKeyField, inMetadataKey, inResume, noSuchField } from './named-fields.mjs';
import { PATH, told } from './told.mjs';

const MINUTE_MS = 60 * 1000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MAX_SUBSET_SIZE = 10_000;
const MAX_ATTEMPTS = 5;
const MAX_VARY = 16;

/**
 * The faults in the options `rondo.options.v1.service` and `.method` of some files, each with file, line and reason.
 * @param {import('@bufbuild/protobuf/wkt').FileDescriptorProto[]} protoFiles All files, each after its imports.
 * @param {readonly string[]} names The names of the files to check.
 * @returns {string[]}
 */
export function checkPolicies(protoFiles, names) {
  const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: protoFiles }));
  const options = {
    method: registry.getExtension('rondo.options.v1.method'),
    service: registry.getExtension('rondo.options.v1.service'),
  };
  // Without the extensions, no file uses the options.
  if (options.method === undefined || options.service === undefined) return [];
  const asked = protoFiles.filter(({ name }) => names.includes(name)).map(({ name }) => registry.getFile(name));
  const secured = securedPackages(registry, options);
  return asked.flatMap((file) => [...inFile(file, options), ...withoutRule(file, { secured, option: options.method })]);
}

/** The packages of which a method says who may call it: each other method has to say it too, as no caller could call it. */
function securedPackages(registry, { method: option }) {
  const secured = [...registry.files].filter((file) => methodsOf(file).some((method) => hasAuth(method, option)));
  return new Set(secured.map((file) => file.proto.package));
}

const methodsOf = (file) => file.services.flatMap(({ methods }) => methods);
const hasAuth = (method, option) => hasOption(method, option) && getOption(method, option).auth !== undefined;

function* withoutRule(file, { secured, option }) {
  if (!secured.has(file.proto.package)) return;
  for (const [index, service] of file.services.entries()) {
    for (const [position, method] of service.methods.entries()) {
      if (hasAuth(method, option)) continue;
      const path = [PATH.service, index, PATH.method, position];
      const name = `${service.name}.${method.name}`;
      yield told(
        file,
        path,
        `${name}: has no auth, unlike other methods of its package, so no caller could call it; ${NAME_RULE}`,
      );
    }
  }
}

const NAME_RULE = 'say in (rondo.options.v1.method).auth who may: public, scopes or callers';

function* inFile(file, options) {
  for (const [index, service] of file.services.entries()) {
    const at = [PATH.service, index];
    for (const reason of inService(service, options)) {
      yield told(file, [...at, PATH.serviceOptions, options.service.number], `${service.name}: ${reason}`);
    }
    for (const [position, method] of service.methods.entries()) {
      const path = [...at, PATH.method, position, PATH.methodOptions, options.method.number];
      for (const reason of inMethod(method, options)) {
        yield told(file, path, `${service.name}.${method.name}: ${reason}`);
      }
    }
  }
}

function* inService(service, options) {
  if (!hasOption(service, options.service)) return;
  const { balancing } = getOption(service, options.service);
  if (balancing === undefined) return;
  const [policy, weights] = ['policy', 'weights'].map((name) => enumName(options.service, name, balancing[name]));
  if (policy === undefined) yield `balancing.policy is ${balancing.policy}, which no policy has; name one`;
  if (weights === undefined) yield `balancing.weights is ${balancing.weights}, which nothing has; name one`;
  yield* inBalancing(balancing, { policy, weights });
  const keyed = service.methods.some(
    (method) => hasOption(method, options.method) && getOption(method, options.method).hashKey !== undefined,
  );
  if (policy === 'BALANCING_POLICY_RING_HASH' && !keyed) {
    yield 'balancing.policy is ring_hash, and no method says its key; give those that have one a hash_key in (rondo.options.v1.method)';
  }
}

function* inBalancing({ slowStart, subsetSize, hashBalanceFactor }, { policy, weights }) {
  if (slowStart !== undefined && !isWithin(toMs(slowStart), 0, HOUR_MS)) {
    yield `balancing.slow_start is ${toMs(slowStart)} ms; it must be from 0 s to 1 h`;
  }
  // A zero isn't sent: it means that the field is missing.
  if (!isWithin(subsetSize, 0, MAX_SUBSET_SIZE)) {
    yield `balancing.subset_size is ${subsetSize}; it must be from 1 to 10,000, or missing for all`;
  }
  if (hashBalanceFactor !== 0 && !isWithin(hashBalanceFactor, 100, 10_000)) {
    yield `balancing.hash_balance_factor is ${hashBalanceFactor}; it must be from 100 to 10,000, or missing for no bound`;
  }
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

function* inMethod(method, options) {
  if (!hasOption(method, options.method)) return;
  const policy = getOption(method, options.method);
  const { timeout, hashKey, resume, compression, retry, hedge, idempotency, cache, breaker, bulkhead } = policy;
  if (timeout !== undefined && !isWithin(toMs(timeout), 1, DAY_MS)) {
    yield `timeout is ${toMs(timeout)} ms; it must be from 1 ms to 24 h`;
  }
  const known = options.method.message.fields.find(({ name }) => name === 'compression').enum.values;
  if (!known.some(({ number }) => number === compression)) {
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
  if (cache !== undefined) yield* inCache(method, policy, options.method);
  if (breaker !== undefined) yield* inBreaker(method, breaker, timeout);
  if (bulkhead !== undefined) yield* inBulkhead(bulkhead, timeout);
  if (policy.auth !== undefined) yield* inAuth(policy.auth);
}

function* inAuth({ public: isPublic, scopes, callers }) {
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
  if (callers.includes('*') && callers.length > 1) yield 'auth.callers has * beside names; leave one of them out';
}

function* inCache(method, { cache: { ttl, staleWhileRevalidate: stale, vary, feed }, auth }, option) {
  if (method.methodKind !== 'unary') {
    yield 'cache is for a method with one request and one reply; leave it out';
    return;
  }
  if (method.idempotency !== NO_SIDE_EFFECTS) {
    yield 'cache answers without a call, which is right for idempotency_level = NO_SIDE_EFFECTS alone; say so, or leave it out';
  }
  if (ttl === undefined) yield 'cache has no ttl; say how long an answer is fresh';
  else if (!isWithin(toMs(ttl), 1, DAY_MS)) yield `cache.ttl is ${toMs(ttl)} ms; it must be from 1 ms to 24 h`;
  if (stale !== undefined && !isWithin(toMs(stale), 0, DAY_MS)) {
    yield `cache.stale_while_revalidate is ${toMs(stale)} ms; it must be from 0 s to 24 h`;
  }
  if (vary.length > MAX_VARY) yield `cache.vary has ${vary.length} keys; ${MAX_VARY} are the most`;
  for (const key of vary) yield* inMetadataKey('cache.vary', key);
  if (feed !== undefined) yield* inFeed(method, feed, { auth, option });
}

function* inFeed({ parent, input, name: reader }, { method: name, key }, { auth, option }) {
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
    const needed = hasOption(watch, option) ? (getOption(watch, option).auth?.scopes ?? []) : [];
    const more = needed.find((scope) => !auth?.scopes.includes(scope));
    if (more !== undefined) {
      yield `cache.feed.method is ${name}, which needs the scope ${more}, and ${reader} doesn't; give both the same scopes`;
    }
  }
  const field = input.fields.find((one) => one.name === key);
  if (key === '') return;
  if (field === undefined) yield `cache.feed.key is "${key}", but ${noSuchField(key, input)}`;
  else if (field.fieldKind !== 'scalar' || field.scalar !== ScalarType.STRING || field.oneof !== undefined) {
    yield `cache.feed.key is "${key}", but ${key} is no string outside of a oneof, which names a resource`;
  }
}

function* inRetry({ maxAttempts, codes, backoff }, options) {
  // A zero isn't sent: it means that the field is missing.
  if (!isWithin(maxAttempts, 0, MAX_ATTEMPTS)) {
    yield `retry.max_attempts is ${maxAttempts}; it must be from 1 to ${MAX_ATTEMPTS}, or missing for 3`;
  }
  for (const code of codes) {
    const name = codeName(options.method, code);
    if (name === undefined) yield `retry.codes has ${code}, which is no status code of gRPC; name one`;
    else if (name === 'OK' || name === 'CANCELLED') {
      yield `retry.codes has ${name}, after which no call is retried; leave it out`;
    }
  }
  const { initial, max } = backoff ?? {};
  const initialMs = initial === undefined ? undefined : toMs(initial);
  if (initialMs !== undefined && !isWithin(initialMs, 1, MINUTE_MS)) {
    yield `retry.backoff.initial is ${initialMs} ms; it must be from 1 ms to 1 min`;
  }
  if (max !== undefined && !isWithin(toMs(max), initialMs ?? DEFAULT_BACKOFF_MS, MINUTE_MS)) {
    yield `retry.backoff.max is ${toMs(max)} ms; it must be from ${initialMs ?? DEFAULT_BACKOFF_MS} ms, the first wait, to 1 min`;
  }
}

function* inHedge(method, { delay }, { timeout, retry }) {
  if (method.methodKind !== 'unary') {
    yield 'hedge is for a method with one request and one reply; leave it out';
    return;
  }
  if (retry?.maxAttempts === 1) {
    yield 'hedge makes a second attempt, and retry.max_attempts is 1; allow 2 or more, or leave one of the two out';
  }
  if (delay === undefined) return;
  if (!isWithin(toMs(delay), 1, HOUR_MS)) yield `hedge.delay is ${toMs(delay)} ms; it must be from 1 ms to 1 h`;
  else yield* inTimeout('hedge.delay', delay, timeout);
}

function* inBreaker(method, { failurePercent, slowCall, window, minCalls, probes }, timeout) {
  // A zero isn't sent: it means that the field is missing.
  if (!isWithin(failurePercent, 0, 100)) {
    yield `breaker.failure_percent is ${failurePercent}; it must be from 1 to 100, or missing for 50`;
  }
  if (!isWithin(minCalls, 0, 10_000)) {
    yield `breaker.min_calls is ${minCalls}; it must be from 1 to 10,000, or missing for 20`;
  }
  if (!isWithin(probes, 0, 100)) yield `breaker.probes is ${probes}; it must be from 1 to 100, or missing for 3`;
  if (window !== undefined && !isWithin(toMs(window), 1_000, 10 * MINUTE_MS)) {
    yield `breaker.window is ${toMs(window)} ms; it must be from 1 s to 10 min`;
  }
  if (slowCall === undefined) return;
  if (method.methodKind !== 'unary') {
    yield 'breaker.slow_call is for a method with one request and one reply, as the reader of a stream decides how long it lasts; leave it out';
  } else if (!isWithin(toMs(slowCall), 1, HOUR_MS)) {
    yield `breaker.slow_call is ${toMs(slowCall)} ms; it must be from 1 ms to 1 h`;
  } else yield* inTimeout('breaker.slow_call', slowCall, timeout);
}

function* inBulkhead({ maxCalls, maxQueued, queueTimeout }, timeout) {
  if (!isWithin(maxCalls, 1, 100_000)) {
    yield `bulkhead.max_calls is ${maxCalls}; it must be from 1 to 100,000: name the most calls, or leave bulkhead out`;
  }
  if (!isWithin(maxQueued, 0, 100_000)) {
    yield `bulkhead.max_queued is ${maxQueued}; it must be from 0 to 100,000`;
  }
  if (queueTimeout === undefined) return;
  if (maxQueued === 0) {
    yield 'bulkhead.queue_timeout is set, and there is no queue; set bulkhead.max_queued, or leave it out';
  } else if (!isWithin(toMs(queueTimeout), 1, MINUTE_MS)) {
    yield `bulkhead.queue_timeout is ${toMs(queueTimeout)} ms; it must be from 1 ms to 1 min`;
  } else yield* inTimeout('bulkhead.queue_timeout', queueTimeout, timeout);
}

/** A wait has to end before the call does. */
function* inTimeout(name, wait, timeout) {
  if (timeout === undefined || toMs(wait) < toMs(timeout)) return;
  yield `${name} is ${toMs(wait)} ms, and each call ends after ${toMs(timeout)} ms, its timeout; make it shorter`;
}

const NEEDS_IDEMPOTENCY =
  'makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out';
const DEFAULT_BACKOFF_MS = 10;
const { IDEMPOTENCY_UNKNOWN, NO_SIDE_EFFECTS } = MethodOptions_IdempotencyLevel;

/** Errors that say nothing about the request, and so are never its outcome. */
const NEVER_FINAL = ['OK', 'CANCELLED', 'UNKNOWN', 'DEADLINE_EXCEEDED', 'UNAVAILABLE'];

function* inIdempotency(method, { source, retention, finalCodes }, { retry, options }) {
  if (method.methodKind !== 'unary') {
    yield 'idempotency is for a method with one request and one reply; leave it out';
    return;
  }
  if (method.idempotency !== IDEMPOTENCY_UNKNOWN) {
    const level = MethodOptions_IdempotencyLevel[method.idempotency];
    yield `idempotency is for a method that is not safe to repeat, and idempotency_level is ${level}; leave one of the two out`;
  }
  if (source.case === 'metadata') yield* inMetadataKey('idempotency.metadata', source.value);
  else if (source.case === 'field') yield* inKeyField(method.input, source.value);
  else yield 'idempotency names neither a field nor a metadata key';
  if (retention !== undefined && !isWithin(toMs(retention), MINUTE_MS, 365 * DAY_MS)) {
    yield `idempotency.retention is ${toMs(retention)} ms; it must be from 1 min to 365 days`;
  }
  for (const code of finalCodes) {
    const name = codeName(options.method, code);
    if (name === undefined) yield `idempotency.final_codes has ${code}, which is no status code of gRPC; name one`;
    else if (NEVER_FINAL.includes(name)) {
      yield `idempotency.final_codes has ${name}, which says nothing final about a request; leave it out`;
    } else if (retry?.codes.includes(code)) {
      yield `idempotency.final_codes has ${name}, after which retry.codes calls again for another outcome; leave it out of one`;
    }
  }
}

/** The name of an enum value in the options' contract; undefined if the number has no name. */
function enumName({ message }, fieldName, number) {
  const balancing = message.fields.find(({ name }) => name === 'balancing');
  const field = balancing.message.fields.find(({ name }) => name === fieldName);
  return field.enum.values.find((value) => value.number === number)?.name;
}

/** The name of a status code in the options' contract; undefined if the number has no name. */
function codeName({ message }, number) {
  const retry = message.fields.find(({ name }) => name === 'retry');
  const codes = retry.message.fields.find(({ name }) => name === 'codes');
  return codes.enum.values.find((value) => value.number === number)?.name;
}

const toMs = ({ seconds, nanos }) => Number(seconds) * 1_000 + nanos / 1e6;
const isWithin = (value, min, max) => value >= min && value <= max;
