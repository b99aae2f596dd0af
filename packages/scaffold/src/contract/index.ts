export { moduleOf } from './code-names.js';
export type { Contract, MethodContract, ServiceContract } from './contract.js';
export type { ContractSource } from './find-source.js';
export { readImportGraph, withImports } from './import-graph.js';
export { loadContract } from './load.js';
