import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import {
  Compression as CompressionOption,
  type HashKey as HashKeyOption,
  MethodPolicy as MethodPolicyOption,
  type Resume as ResumeOption,
} from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';

/** Whether a method may be called more than once for one effect. */
export type Idempotency = 'unknown' | 'idempotent' | 'no_side_effects';

/** How a method is called, as its contract says, with the defaults filled in. */
export interface Policy {
  /** The longest that a call may take, on both sides, as the contract says; undefined where it doesn't. Milliseconds. */
  readonly timeoutMs: number | undefined;
  /**
   * What a client gives a call whose contract says nothing and whose caller neither; undefined for no limit. A server
   * doesn't look at it. Milliseconds.
   */
  readonly defaultTimeoutMs: number | undefined;
  readonly idempotency: Idempotency;
  /** What a call's key is where the service is balanced by ring hash. */
  readonly hashKey?: HashKey;
  /** Where a stream that breaks goes on; missing where it doesn't. */
  readonly resume?: Resume;
  /** How its requests are compressed; missing where that is for the client to say. */
  readonly compression?: Compression;
}

/** The tag of `rondo.options.v1.method` in `google.protobuf.MethodOptions`: field 50550, length-delimited. */
const POLICY_TAG = (50550 << 3) | 2;
const DEFAULT_UNARY_TIMEOUT_MS = 10_000;
const MAX_TIMEOUT_MS = 24 * 60 * 60 * 1000;

/**
 * Reads the policy that stands in a method's contract.
 *
 * @throws TypeError where the contract contradicts itself; it names the method and the remedy.
 */
export function policyOf(definition: MethodDefinition, path: string): Policy {
  const streaming = definition.requestStream || definition.responseStream;
  const { timeout, hashKey: keyOption, resume: resumeOption, compression: compressionOption } = declared(definition);
  const timeoutMs = timeout && toMs(timeout);
  const defaultTimeoutMs = streaming || timeoutMs !== undefined ? undefined : DEFAULT_UNARY_TIMEOUT_MS;
  if (timeoutMs !== undefined && (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS)) {
    throw new TypeError(`${path}: (rondo.options.v1.method).timeout is ${timeoutMs} ms; it must be from 1 ms to 24 h`);
  }
  const hashKey = hashKeyOf(keyOption);
  const keyFault = hashKey && checkHashKey(hashKey, definition);
  if (keyFault !== undefined) throw new TypeError(`${path}: (rondo.options.v1.method).hash_key ${keyFault}`);
  const resume = resumeOf(resumeOption);
  const resumeFault = resume && checkResume(resume, definition);
  if (resumeFault !== undefined) throw new TypeError(`${path}: (rondo.options.v1.method).resume ${resumeFault}`);
  const compression = compressionOf(compressionOption);
  return {
    timeoutMs,
    defaultTimeoutMs,
    idempotency: idempotencyOf(definition),
    ...(hashKey && { hashKey }),
    ...(resume && { resume }),
    ...(compression && { compression }),
  };
}

function declared(definition: MethodDefinition): Partial<MethodPolicyOption> {
  const bytes = optionBytes(definition, POLICY_TAG);
  return bytes === undefined ? {} : MethodPolicyOption.decode(bytes);
}

const toMs = ({ seconds, nanos }: Duration) => Number(seconds) * 1_000 + nanos / 1e6;

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

/** How requests can be compressed, by gRPC's names; `identity` is not at all. */
export const COMPRESSIONS = ['identity', 'gzip'] as const;

/** One of {@link COMPRESSIONS}. */
export type Compression = (typeof COMPRESSIONS)[number];

/** Reads what a contract says of it; undefined where it says nothing. */
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

/** Where a call's key for ring hash comes from. */
export type HashKey =
  /** The names, in code, that lead to a field of the request. */
  { readonly from: 'field'; readonly path: readonly string[] } | { readonly from: 'metadata'; readonly key: string };

/** Reads what a contract says of it; undefined where it says nothing. */
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

/** What is wrong with the key of a method's calls, as it stands behind its name; undefined where nothing is. */
function checkHashKey(hashKey: HashKey, { requestStream }: MethodDefinition): string | undefined {
  if (hashKey.from === 'metadata') {
    return isMetadataKey(hashKey.key)
      ? undefined
      : `names the metadata key "${hashKey.key}"; it must be of a-z 0-9 _ . -, not begin with grpc- nor end in -bin`;
  }
  if (requestStream) return 'names a field of the request, which is a stream here; name a metadata key instead';
  return hashKey.path.includes('') ? 'names no field' : undefined;
}

function isMetadataKey(key: string): boolean {
  return /^[a-z0-9_.-]{1,128}$/.test(key) && !key.startsWith('grpc-') && !key.endsWith('-bin');
}

/** Where the token stands with which a broken stream goes on: the names, in code, of two fields. */
export interface Resume {
  /** Of the request. */
  readonly request: string;
  /** Of each reply. */
  readonly response: string;
}

/** Reads what a contract says of it; undefined where it says nothing. */
function resumeOf(option: ResumeOption | undefined): Resume | undefined {
  return option && { request: nameInCode(option.request), response: nameInCode(option.response) };
}

/** What is wrong with that, as it stands behind its name; undefined where nothing is. */
function checkResume(
  { request, response }: Resume,
  { requestStream, responseStream, options }: MethodDefinition,
): string | undefined {
  if (requestStream || !responseStream) return 'goes with one request and a stream of replies alone';
  if (options.idempotencyLevel !== 'NO_SIDE_EFFECTS')
    return 'needs idempotency_level = NO_SIDE_EFFECTS: it calls again';
  return request === '' || response === '' ? 'has to name a field of the request and one of the reply' : undefined;
}

/** `customer_id` as generated code has it: `customerId`. */
function nameInCode(name: string): string {
  return name.replace(/_+([a-zA-Z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The last of the custom options with `tag` that stands on a method: its bytes; undefined where there is none. */
export function optionBytes({ options }: MethodDefinition, tag: number): Uint8Array | undefined {
  const encoded = options._unknownFields?.[tag]?.at(-1);
  return encoded && withoutLength(encoded);
}

/** Drops the varint length that the generator leaves before an option's bytes. */
function withoutLength(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.findIndex((byte) => byte < 0x80) + 1);
}
