import { ConformanceServiceDefinition as conformance } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { MethodPolicy, Priority } from '@rondo/contracts/rondo/options/v1/options';

/** The tag of the option `(rondo.options.v1.method)`. */
const POLICY_TAG = (50550 << 3) | 2;

/** The conformance contract's two unary methods: `unary` of normal priority, and `unaryUnsafe` of high priority. */
export const contract = {
  ...conformance,
  methods: {
    unary: withPolicy(conformance.methods.unary, {}),
    unaryUnsafe: withPolicy(conformance.methods.unaryUnsafe, { priority: Priority.PRIORITY_HIGH }),
  },
};

function withPolicy(method, policy) {
  const bytes = MethodPolicy.encode(MethodPolicy.fromPartial(policy)).finish();
  return {
    ...method,
    options: { ...method.options, _unknownFields: { [POLICY_TAG]: [Buffer.from([bytes.length, ...bytes])] } },
  };
}
