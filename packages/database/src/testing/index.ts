export { eventually } from './eventually.js';
export { freePort, startTestPostgres, type TestPostgres, withoutBounds } from './test-postgres.js';
