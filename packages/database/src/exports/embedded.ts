/** A PostgreSQL server of its own, from a package of binaries, for development and tests. */

export { startEmbeddedPostgres } from '../embedded/start.js';
