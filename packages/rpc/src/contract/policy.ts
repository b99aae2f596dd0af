import { MethodPolicy as MethodPolicyOption } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from './definition.js';

/** Whether a method may be called more than once for one effect. */
export type Idempotency = 'unknown' | 'idempotent' | 'no_side_effects';

/** How a method is called, as its contract says, with the defaults filled in. */
export interface Policy {
  /** The deadline of a call whose caller set none; undefined for none. Milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly idempotency: Idempotency;
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
  const timeoutMs = declaredTimeoutMs(definition) ?? (streaming ? undefined : DEFAULT_UNARY_TIMEOUT_MS);
  if (timeoutMs !== undefined && (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS)) {
    throw new TypeError(`${path}: (rondo.options.v1.method).timeout is ${timeoutMs} ms; it must be from 1 ms to 24 h`);
  }
  return { timeoutMs, idempotency: idempotencyOf(definition) };
}

function declaredTimeoutMs({ options }: MethodDefinition): number | undefined {
  const encoded = options._unknownFields?.[POLICY_TAG]?.at(-1);
  if (encoded === undefined) return undefined;
  const { timeout } = MethodPolicyOption.decode(withoutLength(encoded));
  return timeout === undefined ? undefined : Number(timeout.seconds) * 1000 + timeout.nanos / 1e6;
}

/** Drops the varint length that the generator leaves before an option's bytes. */
function withoutLength(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(bytes.findIndex((byte) => byte < 0x80) + 1);
}

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
