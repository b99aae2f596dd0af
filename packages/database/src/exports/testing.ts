export {
  clockIsShifted,
  eventually,
  freePort,
  startTestPostgres,
  type TestPostgres,
  withoutBounds,
} from '../testing/test-postgres.js';
