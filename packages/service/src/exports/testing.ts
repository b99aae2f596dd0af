/** The parts of a service's life one by one, for tests that hold the clock: its state, its registration and its drain. */

export { drain } from '../lifecycle/drain.js';
export { startRegistration } from '../registration/registration.js';
export { createState, readinessOf } from '../state.js';
