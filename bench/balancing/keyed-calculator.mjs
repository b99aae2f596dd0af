import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { MethodPolicy } from '@rondo/contracts/rondo/options/v1/options';

/** What a call's key for ring hash comes from. */
export const KEY = 'x-key';

/** The tag of `rondo.options.v1.method` in `google.protobuf.MethodOptions`: field 50550, length-delimited. */
const POLICY_TAG = (50550 << 3) | 2;

/** The calculator's contract, as if each of its methods said that its key is in the metadata. */
export function keyedCalculator() {
  const { methods } = CalculatorServiceDefinition;
  const keyed = Object.entries(methods).map(([name, method]) => [name, withKey(method)]);
  return { ...CalculatorServiceDefinition, methods: Object.fromEntries(keyed) };
}

function withKey(method) {
  const said = method.options._unknownFields?.[POLICY_TAG]?.at(-1) ?? new Uint8Array([0]);
  const policy = MethodPolicy.decode(said.subarray(1));
  const hashKey = { source: { $case: 'metadata', value: KEY } };
  const bytes = MethodPolicy.encode({ ...policy, hashKey }).finish();
  // As short as it is, its length is one byte.
  const option = new Uint8Array([bytes.length, ...bytes]);
  return { ...method, options: { ...method.options, _unknownFields: { [POLICY_TAG]: [option] } } };
}
