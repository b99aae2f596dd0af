export type { CreatedService } from './create-service.js';
export { withLock, withTreeLock } from './lock/index.js';
export { checkName } from './name.js';
export { newService } from './new-service.js';
export type { Progress } from './progress.js';
export { type RemovedService, removableServices, removeService } from './remove-service.js';
export { readExemptions } from './root-files/index.js';
export type { UpdatedService } from './update-service.js';
export { testService } from './workspace.js';
