import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import type { MethodDefinition } from '../../src/contract/definition.js';

/** The tag of `(rondo.options.v1.method)`. */
export const METHOD_TAG = (50550 << 3) | 2;

/** An option as the generator leaves it: with its length. */
export const prefixed = (bytes: Uint8Array): Buffer => Buffer.from([bytes.length, ...bytes]);

export const encodedPolicy = (policy: Parameters<typeof MethodPolicy.fromPartial>[0]): Buffer =>
  prefixed(MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish());

/** The method with another policy in its contract. */
export function withPolicy<M extends MethodDefinition>(method: M, policy: Parameters<typeof encodedPolicy>[0]) {
  return { ...method, options: { ...method.options, _unknownFields: { [METHOD_TAG]: [encodedPolicy(policy)] } } };
}
