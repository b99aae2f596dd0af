export { resumeFields, startResuming } from './start.js';
