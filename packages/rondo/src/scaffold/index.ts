/** Services made from contracts, updated and removed, and apps upgraded: what `rondo new`, `dev`, `remove` and `upgrade` do. */

export { followServices, writeManifests } from '../kubernetes/write.js';
export { findMigrations } from '../rollout/migrations.js';
export { ownServices, readManifests, serviceNames } from '../workspace/manifests.js';
export { type AddedBackground, addBackground, type NewBackgroundOptions } from './add-background.js';
export { type AddedResource, addResource } from './add-resource.js';
export type { CreatedService } from './create-service.js';
export { withTreeLock } from './lock.js';
export { checkName } from './name.js';
export { newService } from './new-service.js';
export { changePlugins, type PluginChange, pluginNames } from './plugins.js';
export { type RemovedService, removableServices, removeService } from './remove-service.js';
export type { UpdatedService } from './update-service.js';
export { type UpgradedApp, upgradeApp } from './upgrade/upgrade-app.js';
export { type Progress, testService } from './workspace.js';
export { readExemptions } from './workspace-files/buf-exemptions.js';
