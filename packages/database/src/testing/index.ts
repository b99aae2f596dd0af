export { eventually, clockIsShifted, freePort, startTestPostgres, type TestPostgres, withoutBounds } from './test-postgres.js';
