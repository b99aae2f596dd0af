export { positionAmong, positionOf, ringOf, subsetOf } from '../channel/subset.js';
export { createPolicy, type PolicyOptions } from './create-policy.js';
export { regionOf, TIERS, tierOf } from './locality.js';
export { evenPoints } from './low-discrepancy.js';
export type { BalancingPolicy, Candidate, Capacity, PickCall, Picker } from './picker.js';
export { nominalShares } from './weights.js';
