export { tryInTurn } from './attempts.js';
export { type Choice, choose, type ImaginedCall } from './choose.js';
export { type Failure, judge } from './failure.js';
export { createFleet, type Fleet, type FleetStanding } from './fleet.js';
export { nameOf } from './nobody.js';
export { longestTry } from './try.js';
export { tryThere } from './try-there.js';
