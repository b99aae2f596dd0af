export { loadDescriptorSet } from './load.js';
export { createReflection, type ReflectionOptions } from './reflection.js';
