export { advertisedAddress } from './address.js';
export type { Registrant } from './lease.js';
export { type Registration, startRegistration } from './registration.js';
