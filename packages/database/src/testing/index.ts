export { freePort, startTestPostgres, type TestPostgres } from './test-postgres.js';
