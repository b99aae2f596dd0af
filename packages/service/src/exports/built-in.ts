/** Reflection and health for a gateway, whose services change while it runs. A service that starts by `runService` has both already. */

export { serveHealth } from '../health.js';
export { indexFiles, readDescriptorFile } from '../reflection/descriptor-files.js';
export { serveReflection } from '../reflection/reflection.js';
