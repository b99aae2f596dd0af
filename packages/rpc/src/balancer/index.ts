export { createPolicy, type PolicyOptions } from './create-policy.js';
export { nominalShares } from './nominal-shares.js';
export type { BalancingPolicy, Candidate, Capacity, PickCall, Picker } from './picker.js';
export { evenPoints } from './points.js';
export { positionAmong, positionOf, ringOf, subsetOf } from './subset.js';
export { regionOf, TIERS, tierOf } from './tiers.js';
