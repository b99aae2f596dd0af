/** A PostgreSQL of a test's own, which it may end and restart. */

export { type Postgres, startPostgres } from '../postgres.js';
