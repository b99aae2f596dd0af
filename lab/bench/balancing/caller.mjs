import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';
import { createClient } from '@rondo/rpc/client';
import { RpcError } from '@rondo/rpc/status';

/** The metadata key that ring hash takes a call's key from. */
const KEY = 'x-key';

/** The tag of `rondo.options.v1.method` in `google.protobuf.MethodOptions`: field 50550, length-delimited. */
const POLICY_TAG = (50550 << 3) | 2;

/** The time in milliseconds, comparable across the processes of this machine. */
export const now = () => performance.timeOrigin + performance.now();

/**
 * Makes calls over one channel. A call gives `{ at, tookMs, instance }`, and never rejects; its time counts
 * from when it was due.
 */
export function createCaller(channel) {
  const client = createClient(KEYED, { channel });
  return async ({ key, dueAt }) => {
    let instance = '';
    const onTrailer = (trailer) => {
      instance = trailer.get('rondo-served-by') ?? '';
    };
    try {
      await client.add({ a: 2n, b: 3n }, { onTrailer, ...(key && { metadata: { [KEY]: key } }) });
    } catch (error) {
      if (!(error instanceof RpcError)) throw error;
      instance ||= error.report?.attempts.at(-1)?.instance ?? '';
    }
    return { at: dueAt, tookMs: now() - dueAt, instance };
  };
}

const { add } = AdderServiceDefinition.methods;
/** The contract, as if its method took the key for ring hash from the metadata. */
const KEYED = { ...AdderServiceDefinition, methods: { add: withKey(add) } };

function withKey(method) {
  const encoded = method.options._unknownFields?.[POLICY_TAG]?.at(-1) ?? new Uint8Array([0]);
  const policy = MethodPolicy.decode(encoded.subarray(1));
  const hashKey = { source: { $case: 'metadata', value: KEY } };
  const bytes = MethodPolicy.encode({ ...policy, hashKey }).finish();
  // The policy is so short that its length takes one byte.
  const option = new Uint8Array([bytes.length, ...bytes]);
  return { ...method, options: { ...method.options, _unknownFields: { [POLICY_TAG]: [option] } } };
}
