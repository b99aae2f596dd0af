export { parseArguments, USAGE } from '../arguments.js';
export { type CreateOptions, createApp, type Tarball } from '../create-app.js';
export { type Samples, samplesIn } from '../samples.js';
