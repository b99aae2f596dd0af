export { eventually } from './eventually.js';
export { freePort, startTestPostgres, type TestPostgres } from './test-postgres.js';
