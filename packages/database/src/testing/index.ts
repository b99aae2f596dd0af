export {
  clockIsShifted,
  eventually,
  freePort,
  startTestPostgres,
  type TestPostgres,
  withoutBounds,
} from './test-postgres.js';
