/**
 * Calls by the names of services and methods, without generated code: for gateways, tools and scripts that learn their
 * contracts at run time.
 *
 * ```ts
 * import { createDynamicClient } from '@rondo/dynamic';
 *
 * const client = createDynamicClient(); // contracts by reflection, from the servers themselves
 * const sum = await client.call('CalculatorService', 'add', { a: 2, b: 3n });
 * for await (const change of client.stream('TaskService', 'watchTasks')) console.log(sum, change);
 * ```
 */

export {
  createDynamicClient,
  type DynamicCallOptions,
  type DynamicClient,
  type DynamicClientOptions,
  type DynamicMethodClient,
} from '../client.js';
export { type ContractSource, descriptorContracts } from '../contracts.js';
export { knownServices, matchServices } from '../names.js';
export { type ProtoOptions, protoContracts } from '../proto-files.js';
export { type ReflectionSourceOptions, reflectedContract, reflectionContracts } from '../reflection.js';
