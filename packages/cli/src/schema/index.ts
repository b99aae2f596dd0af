export { exampleOf, formatMethod, formatPolicy, formatTypes } from './describe.js';
export { withErrorDetails } from './error-details.js';
export { bindMethod, type Invoke, methodOf, servicePolicy } from './invoke.js';
export { createReflection } from './reflection.js';
export { type DynamicMethod, loadSchema, type Schema } from './schema.js';
