export { splitDescriptorSet } from './descriptors.js';
export { loadDescriptorSet } from './load.js';
export { createReflection } from './reflection.js';
