export { type DrainOptions, drain } from '../lifecycle/drain.js';
export { type Registrant, type Registration, startRegistration } from '../registration/index.js';
export { createState, DRAINING, type MutableState, type Readiness, readinessOf } from '../state/index.js';
