import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { unread } from '@rondo/rpc/contract';

/** The methods whose messages come and go as bytes: batches and their parts. */
export const UNREAD = ['evaluateBatch', 'evaluatePart'] as const;

/** One of {@link UNREAD}. */
export type UnreadMethod = (typeof UNREAD)[number];

/** What is asked of all calculators, this one included: parts of batches, as bytes. */
export const PartsDefinition = {
  ...CalculatorServiceDefinition,
  methods: { evaluatePart: unread(CalculatorServiceDefinition.methods.evaluatePart) },
} as const;
