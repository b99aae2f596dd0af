export { loadDescriptorSet } from './load.js';
export { createReflection } from './reflection.js';
