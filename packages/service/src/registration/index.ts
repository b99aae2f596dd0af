export { advertisedAddress } from './address.js';
export type { Registrant } from './lease.js';
export { createRegistryLink } from './link.js';
export { type Registration, startRegistration } from './registration.js';
