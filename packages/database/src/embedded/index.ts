export { type EmbeddedBinaries, locateEmbeddedBinaries } from './binaries.js';
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './start.js';
