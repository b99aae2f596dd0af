import type { Duration } from '@rondo/contracts/google/protobuf/duration';
import { MethodPolicy as MethodPolicyOption } from '@rondo/contracts/rondo/options/v1/options';
import { type Compression, compressionOf } from './compression.js';
import type { MethodDefinition } from './definition.js';
import { checkHashKey, type HashKey, hashKeyOf } from './hash-key.js';
import { optionBytes } from './options.js';
import { checkResume, type Resume, resumeOf } from './resume.js';

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
