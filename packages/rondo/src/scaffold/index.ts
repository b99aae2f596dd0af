/** Services made from contracts, compared and removed, and apps upgraded: what `rondo new`, `add`, `remove` and `upgrade` do. */

export { followServices, writeManifests } from '../kubernetes/write.js';
export { findMigrations } from '../rollout/migrations.js';
export { ownServices, readManifests, serviceNames } from '../workspace/manifests.js';
export { type CreatedService, createService } from './create-service.js';
export { checkName } from './name.js';
export { addBackground, type NewBackgroundOptions } from './new-background.js';
export { type AddedResource, addResource } from './new-resource.js';
export { changePlugins, type PluginChange, pluginNames } from './plugins.js';
export { type RemovedService, removableServices, removeService } from './remove-service.js';
export { onTree, type Tree } from './tree.js';
export { type UpdatedService, updateService } from './update-service.js';
export { type UpgradedApp, upgradeApp } from './upgrade/upgrade-app.js';
export { type Progress, testService } from './workspace.js';
export { readExemptions } from './workspace-files/buf-exemptions.js';
