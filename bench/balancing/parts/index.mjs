import { random, roundRobin } from './even.mjs';
import { allFailing, internal, notFound } from './faults.mjs';
import { newcomer } from './newcomer.mjs';
import { ringHash } from './ring.mjs';
import { slow, slowMethod, slowOfTwo } from './slow.mjs';
import { canary, weights } from './weights.mjs';
import { zones } from './zones.mjs';

/** What is measured, each with the bounds that must hold. */
export const PARTS = [
  roundRobin,
  random,
  slow,
  slowOfTwo,
  slowMethod,
  weights,
  ringHash,
  zones,
  internal,
  notFound,
  allFailing,
  newcomer,
  canary,
];
