/** A PostgreSQL of a test's own, which it may end and restart. */

export { startPostgres } from '../postgres.js';
