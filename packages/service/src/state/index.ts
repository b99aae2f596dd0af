export { DRAINING, type Phase, type Readiness, readinessOf } from './readiness.js';
export { createState, follow, type MutableState, type State } from './state.js';
