export { eventually } from './eventually.js';
export { clockIsShifted, freePort, startTestPostgres, type TestPostgres, withoutBounds } from './test-postgres.js';
