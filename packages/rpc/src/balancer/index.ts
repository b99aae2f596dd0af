export { roundRobin } from './round-robin.js';
