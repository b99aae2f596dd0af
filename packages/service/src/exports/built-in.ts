/**
 * The services that every server has besides its own, over names and files that may change while they serve: reflection
 * and health of a gateway. A service that starts by `runService` has them already.
 */

export { type HealthSource, serveHealth } from '../health.js';
export { type DescriptorFile, type FileIndex, indexFiles, readDescriptorFile } from '../reflection/descriptor-files.js';
export { type ReflectionSource, serveReflection } from '../reflection/reflection.js';
