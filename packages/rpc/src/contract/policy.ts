import {
  BalancingPolicy,
  Compression as CompressionOption,
  type HashKey as HashKeyOption,
  MethodPolicy as MethodPolicyOption,
  type Resume as ResumeOption,
  ServicePolicy as ServicePolicyOption,
  Transport,
  WeightSource,
} from '@rondo/contracts/rondo/options/v1/options';
import { type AuthPolicy, authOf, checkAuth } from './auth-policy.js';
import { balancingOf, DEFAULT_SERVICE_POLICY, type ServicePolicy } from './balancing.js';
import { type BreakerPolicy, breakerOf, checkBreaker } from './breaker-policy.js';
import { type BulkheadPolicy, bulkheadOf, checkBulkhead } from './bulkhead-policy.js';
import { type CachePolicy, cacheOf, checkCache, isMetadataKey } from './cache-policy.js';
import type { MethodDefinition, ServiceDefinition } from './definition.js';
import { checkMs, toMs } from './duration.js';
import { checkHedge, type HedgePolicy, hedgeOf } from './hedge-policy.js';
import { checkKey, type KeyPolicy, keyOf, SHAPE_TAG } from './key-policy.js';
import { type Priority, priorityOf } from './priority.js';
import { checkRetry, type RetryPolicy, retryOf } from './retry-policy.js';

/**
 * Whether repeating a call has no further effect, by the contract's `idempotency_level`. A call with an idempotency key is
 * `idempotent`.
 */
export type Idempotency = 'unknown' | 'idempotent' | 'no_side_effects';

/** The policy of a method as its contract declares it, with defaults filled in. */
export interface Policy {
  /** The contract's timeout, which both sides apply; undefined if it sets none. Milliseconds. */
  readonly timeoutMs: number | undefined;
  /**
   * The timeout that a client applies if neither the contract nor the caller sets one; undefined for none. A server
   * ignores it. Milliseconds.
   */
  readonly defaultTimeoutMs: number | undefined;
  readonly idempotency: Idempotency;
  /** The idempotency keys of its calls; missing if they have none. */
  readonly key?: KeyPolicy;
  /** How a failed call is retried; missing for the defaults. */
  readonly retry?: RetryPolicy;
  /** When another instance is asked; missing if none is. */
  readonly hedge?: HedgePolicy;
  /** How long clients keep answers; missing if they keep none. */
  readonly cache?: CachePolicy;
  /** Whether a call waits while no instance can be reached. */
  readonly waitForReady?: boolean;
  /** When a client stops making its calls; missing if it never does. */
  readonly breaker?: BreakerPolicy;
  /** How many of its calls a client has in flight at once; missing for any number. */
  readonly bulkhead?: BulkheadPolicy;
  /** The source of a call's key, if the service is balanced by ring hash. */
  readonly hashKey?: HashKey;
  /** The fields by which a broken stream resumes; missing if it can't. */
  readonly resume?: Resume;
  /** The compression of requests; missing if the client decides. */
  readonly compression?: Compression;
  /** Whether each call goes by gRPC, and none by frames. */
  readonly plain?: boolean;
  /** What an overloaded server refuses first; missing for `normal`. */
  readonly priority?: Priority;
  /** Who may call it while security is on; missing for no caller. */
  readonly auth?: AuthPolicy;
}

/** The tag of `rondo.options.v1.method` in `google.protobuf.MethodOptions`: field 50550, length-delimited. */
export const POLICY_TAG = (50550 << 3) | 2;
/** The tag of `rondo.options.v1.service`, field 50551: the generator copies it to each method. */
export const SERVICE_TAG = (50551 << 3) | 2;
const DEFAULT_UNARY_TIMEOUT_MS = 10_000;
const TIMEOUT_RANGE = [1, 24 * 60 * 60 * 1000] as const;
const NEEDS_IDEMPOTENCY =
  'makes a call more than once; say that this is safe by idempotency_level = NO_SIDE_EFFECTS or IDEMPOTENT, or leave it out';

/**
 * Reads the policy of a method from its contract.
 *
 * @throws TypeError that names the method and the remedy, if the contract contradicts itself.
 */
export function policyOf(definition: MethodDefinition, path: string): Policy {
  const option = declared(definition);
  const streaming = definition.requestStream || definition.responseStream;
  const timeoutMs = option.timeout && toMs(option.timeout);
  const defaultTimeoutMs = streaming || timeoutMs !== undefined ? undefined : DEFAULT_UNARY_TIMEOUT_MS;
  const key = option.idempotency && keyOf(option.idempotency, optionBytes(definition, SHAPE_TAG), nameInCode);
  const idempotency = key ? 'idempotent' : idempotencyOf(definition);
  const retry = option.retry && retryOf(option.retry);
  const hedge = option.hedge && hedgeOf(option.hedge);
  const breaker = option.breaker && breakerOf(option.breaker);
  const bulkhead = option.bulkhead && bulkheadOf(option.bulkhead);
  const cache = option.cache && cacheOf(option.cache, nameInCode);
  const hashKey = hashKeyOf(option.hashKey);
  const resume = resumeOf(option.resume);
  const faults = [
    timeoutMs !== undefined && prefixed('timeout ', checkMs(timeoutMs, TIMEOUT_RANGE)),
    (retry ?? hedge) && idempotency === 'unknown' && `${retry ? 'retry' : 'hedge'} ${NEEDS_IDEMPOTENCY}`,
    key && prefixed('idempotency', checkKey(key, definition, retry)),
    retry && prefixed('retry', checkRetry(retry)),
    hedge && prefixed('hedge', checkHedge(hedge, streaming)),
    breaker && prefixed('breaker', checkBreaker(breaker, streaming)),
    bulkhead && prefixed('bulkhead', checkBulkhead(bulkhead)),
    cache && prefixed('cache', checkCache(cache, definition)),
    hashKey && prefixed('hash_key ', checkHashKey(hashKey, definition)),
    resume && prefixed('resume ', checkResume(resume, definition)),
    option.auth && prefixed('auth', checkAuth(option.auth)),
  ];
  const fault = faults.find((text) => typeof text === 'string');
  if (fault !== undefined) throw new TypeError(`${path}: (rondo.options.v1.method).${fault}`);
  const compression = compressionOf(option.compression);
  const priority = priorityOf(option.priority);
  return {
    timeoutMs,
    defaultTimeoutMs,
    idempotency,
    ...(key && { key }),
    ...(retry && { retry }),
    ...(hedge && { hedge }),
    ...(cache && { cache }),
    ...(option.waitForReady && { waitForReady: true }),
    ...(breaker && { breaker }),
    ...(bulkhead && { bulkhead }),
    ...(hashKey && { hashKey }),
    ...(resume && { resume }),
    ...(compression && { compression }),
    ...(isPlain(definition) && { plain: true }),
    ...(priority && { priority }),
    ...(option.auth && { auth: authOf(option.auth) }),
  };
}

/**
 * Reads the policy of a service from its contract.
 *
 * @throws TypeError that names the service and the remedy, if the contract contradicts itself.
 */
export function servicePolicyOf({ fullName, methods }: ServiceDefinition): ServicePolicy {
  const all = Object.values(methods);
  const keyed = all.some((method) => policyOf(method, `/${fullName}/${method.name}`).hashKey !== undefined);
  const bytes = all[0] && optionBytes(all[0], SERVICE_TAG);
  const option = bytes && ServicePolicyOption.decode(bytes).balancing;
  if (option === undefined) return { ...DEFAULT_SERVICE_POLICY, keyed };
  const names = { policy: BalancingPolicy[option.policy], weights: WeightSource[option.weights] };
  const balancing = balancingOf(option, names);
  if (typeof balancing !== 'string') return { balancing, declared: true, keyed };
  throw new TypeError(`${fullName}: (rondo.options.v1.service).balancing: ${balancing}`);
}

function declared(definition: MethodDefinition): Partial<MethodPolicyOption> {
  const bytes = optionBytes(definition, POLICY_TAG);
  return bytes === undefined ? {} : MethodPolicyOption.decode(bytes);
}

/** Whether the service's contract says that its calls go by gRPC. */
function isPlain(definition: MethodDefinition): boolean {
  const bytes = optionBytes(definition, SERVICE_TAG);
  return bytes !== undefined && ServicePolicyOption.decode(bytes).transport === Transport.TRANSPORT_GRPC;
}

const prefixed = (field: string, fault: string | undefined) => (fault === undefined ? undefined : `${field}${fault}`);

function idempotencyOf({ options }: MethodDefinition): Idempotency {
  switch (options.idempotencyLevel) {
    case 'NO_SIDE_EFFECTS':
      return 'no_side_effects';
    case 'IDEMPOTENT':
      return 'idempotent';
    default:
      return 'unknown';
  }
}

/** The compressions of requests, by gRPC's names; `identity` is none. */
export const COMPRESSIONS = ['identity', 'gzip'] as const;

/** One of {@link COMPRESSIONS}. */
export type Compression = (typeof COMPRESSIONS)[number];

function compressionOf(option: CompressionOption | undefined): Compression | undefined {
  switch (option) {
    case CompressionOption.COMPRESSION_GZIP:
      return 'gzip';
    case CompressionOption.COMPRESSION_IDENTITY:
      return 'identity';
    default:
      return undefined;
  }
}

/** The source of a call's key for ring hash. */
export type HashKey =
  /** The names in code that lead to a field of the request. */
  { readonly from: 'field'; readonly path: readonly string[] } | { readonly from: 'metadata'; readonly key: string };

function hashKeyOf(option: HashKeyOption | undefined): HashKey | undefined {
  switch (option?.source?.$case) {
    case 'field':
      return { from: 'field', path: option.source.value.split('.').map(nameInCode) };
    case 'metadata':
      return { from: 'metadata', key: option.source.value };
    default:
      return undefined;
  }
}

/** What is wrong with the key, as the end of a sentence; undefined if nothing is. */
function checkHashKey(hashKey: HashKey, { requestStream }: MethodDefinition): string | undefined {
  if (hashKey.from === 'metadata') {
    return isMetadataKey(hashKey.key)
      ? undefined
      : `names the metadata key "${hashKey.key}"; it must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
  }
  if (requestStream) return 'names a field of the request, which is a stream here; name a metadata key instead';
  return hashKey.path.includes('') ? 'names no field' : undefined;
}

/** The fields of the token by which a broken stream resumes, by their names in code. */
export interface Resume {
  /** The request's field. */
  readonly request: string;
  /** The field of each reply. */
  readonly response: string;
}

function resumeOf(option: ResumeOption | undefined): Resume | undefined {
  return option && { request: nameInCode(option.request), response: nameInCode(option.response) };
}

/** What is wrong with it, as the end of a sentence; undefined if nothing is. */
function checkResume(
  { request, response }: Resume,
  { requestStream, responseStream, options }: MethodDefinition,
): string | undefined {
  if (requestStream || !responseStream) return 'goes with one request and a stream of replies alone';
  if (options.idempotencyLevel !== 'NO_SIDE_EFFECTS')
    return 'needs idempotency_level = NO_SIDE_EFFECTS: it calls again';
  return request === '' || response === '' ? 'has to name a field of the request and one of the reply' : undefined;
}

/** The name in generated code: `customerId` for `customer_id`. */
export function nameInCode(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The bytes of the last custom option with `tag` on a method; undefined if it has none. */
export function optionBytes({ options }: MethodDefinition, tag: number): Uint8Array | undefined {
  const encoded = options._unknownFields?.[tag]?.at(-1);
  return encoded && withoutLength(encoded);
}

/** Drops the varint length that the generator leaves before an option's bytes. */
function withoutLength(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.findIndex((byte) => byte < 0x80) + 1);
}
