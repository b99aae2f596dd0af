export { broadcast } from './broadcast.js';
export type {
  BroadcastOptions,
  ScatterOptions,
  ScatterStreamOptions,
  SharingOptions,
  UnaryMethod,
  WholeOptions,
} from './options.js';
export type { Gathered, Lost, Part, Parts, Requirement } from './part.js';
export { scatter } from './scatter.js';
export { scatterStream } from './stream.js';
