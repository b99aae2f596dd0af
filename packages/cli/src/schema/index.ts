export { bindMethod, type Invoke, policyOf } from './invoke.js';
export { createReflection } from './reflection.js';
export { type DynamicMethod, loadSchema, type Schema } from './schema.js';
