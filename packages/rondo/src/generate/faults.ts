/** What is wrong with contracts beyond what the compiler sees: contradictions in what they say to Rondo. */
import { checkHttp } from './check-http.js';
import { checkPolicies } from './check-policies.js';
import { checkRules } from './check-rules.js';
import { checkTools } from './check-tools.js';
import { checkTopics } from './check-topics.js';
import type { Contracts } from './declarations.js';
import { checkOperations } from './operations.js';

/** The faults of some files, each with file, line, reason and remedy. The registry has all contracts. */
export const faultsOf = (contracts: Contracts): readonly string[] =>
  [checkPolicies, checkOperations, checkTopics, checkTools, checkHttp, checkRules].flatMap((check) => check(contracts));
