export { type DrainOptions, drain } from '../lifecycle/drain.js';
export type { Registrant } from '../registration/lease.js';
export { type Registration, startRegistration } from '../registration/registration.js';
export { createState, DRAINING, type MutableState, type Readiness, readinessOf } from '../state.js';
