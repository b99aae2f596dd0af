export { Member } from './member.js';
export { type Refusal, refusalOf } from './refusals.js';
export { SlowStart } from './slow-start.js';
export type { Target, TryOutcome } from './target.js';
