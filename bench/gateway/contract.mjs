import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';

const { add, evaluate } = CalculatorServiceDefinition.methods;
const KIBIBYTE = 'x'.repeat(1_024);

/** The calls that are compared: a request, and whether the reply is the right one. */
export const CALLS = {
  tiny: {
    ...coded('Add', add),
    request: { a: 2n, b: 3n },
    isRight: ({ result }) => result === 5n,
    answer: ({ a, b }) => ({ result: a + b }),
  },
  '1 KiB': {
    ...coded('Evaluate', evaluate),
    request: { expression: KIBIBYTE },
    isRight: ({ result }) => result?.value === KIBIBYTE,
    answer: ({ expression }) => ({ result: { value: expression } }),
  },
};

function coded(name, { requestType, responseType }) {
  return {
    path: `/calculator.v1.CalculatorService/${name}`,
    encodeRequest: (message) => Buffer.from(requestType.encode(requestType.fromPartial(message)).finish()),
    decodeRequest: (bytes) => requestType.decode(bytes),
    encodeReply: (message) => Buffer.from(responseType.encode(responseType.fromPartial(message)).finish()),
    decodeReply: (bytes) => responseType.decode(bytes),
  };
}
