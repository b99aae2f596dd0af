export { type Merge, mergeContracts } from './merge.js';
