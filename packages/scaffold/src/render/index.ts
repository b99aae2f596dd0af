export { implementation, importDefinition, importHandlers } from './app.js';
export type { Blueprint, NamedService } from './blueprint.js';
export { handlersFile, propertyName, renderHandlers, type Stub, stubsOf } from './handlers.js';
export { nameHandlers } from './names.js';
export { type RenderedFile, renderService } from './render.js';
export { renderStarter, starterFile } from './starter.js';
