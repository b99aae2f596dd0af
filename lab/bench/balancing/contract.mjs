import { AdderServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/adder';

const { add } = AdderServiceDefinition.methods;

/** The contract of the replicas: two methods of one policy, safe to repeat. */
export const CONTRACT = { ...AdderServiceDefinition, methods: { add, subtract: { ...add, name: 'Subtract' } } };
