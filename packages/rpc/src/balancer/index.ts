export type { Picker } from './picker.js';
export { roundRobin } from './round-robin.js';
