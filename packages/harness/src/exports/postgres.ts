/** A PostgreSQL of a test's own, which it may end and restart. */

export { overTls, type Postgres, startPostgres, turnTlsOn } from '../postgres.js';
