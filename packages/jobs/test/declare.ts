import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { type MethodDefinition, POLICY_TAG } from '@rondo/rpc/internal';

export type Declared = Parameters<typeof MethodPolicy.fromPartial>[0];

/** The method with this policy in the place of its own. */
export function declare<M extends MethodDefinition>(method: M, policy: Declared, idempotencyLevel = 'IDEMPOTENT'): M {
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish();
  const prefixed = [bytes.length >= 128 ? [(bytes.length & 127) | 128, bytes.length >> 7] : [bytes.length]].flat();
  const options = { idempotencyLevel, _unknownFields: { [POLICY_TAG]: [new Uint8Array([...prefixed, ...bytes])] } };
  return { ...method, options };
}
