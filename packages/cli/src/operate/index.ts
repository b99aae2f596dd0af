export { cordonAll, type Outcome, uncordonAll } from './cordon.js';
export { awaitIdle, type Drained } from './drain.js';
export { defaultReason, forceOption, reasonOption } from './options.js';
export { readRoster } from './roster.js';
