export { type EmbeddedBinaries, locateEmbeddedBinaries } from '../embedded/binaries.js';
export { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from '../embedded/start.js';
