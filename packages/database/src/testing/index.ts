export {
  clockIsShifted,
  eventually,
  freePort,
  startTestPostgres,
  type TestPostgres,
  waitingForLocks,
  withoutBounds,
} from './test-postgres.js';
