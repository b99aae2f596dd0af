export { type AdvertisedOptions, advertisedAddress } from './address.js';
export type { Registrant, RegistryClient } from './lease.js';
export { type Registration, type RegistrationOptions, startRegistration } from './registration.js';
