import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';

const { evaluate } = CalculatorServiceDefinition.methods;
const KIBIBYTE = 'x'.repeat(1_024);

/** The calls of calculator that are compared: a request, whether the reply is the right one, and the answer to any request. */
export const CALLS = {
  tiny: {
    method: 'add',
    request: { a: 2n, b: 3n },
    isRight: ({ result }) => result === 5n,
    answer: ({ a, b }) => ({ result: a + b }),
  },
  '1 KiB': {
    method: 'evaluate',
    request: evaluate.requestType.fromPartial({ expression: KIBIBYTE }),
    isRight: ({ result }) => result?.value === KIBIBYTE,
    answer: ({ expression }) => ({ result: { value: expression } }),
  },
};
