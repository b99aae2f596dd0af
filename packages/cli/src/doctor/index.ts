export type { Finding, State } from './finding.js';
export { loadRepositoryDoctor, type RepositoryDoctor } from './repository.js';
export { type Expected, examineRunning } from './running.js';
