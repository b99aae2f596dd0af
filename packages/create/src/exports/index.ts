export { readArguments, USAGE } from '../arguments.js';
export type { PackageManager, PluginName } from '../choices.js';
export { type CreateOptions, createApp } from '../create-app.js';
export { observeFiles, publishedSamples, type Samples, samplesIn } from '../samples.js';
export { publishedVersions, renderTemplate, type TemplateOptions, withVendored } from '../template.js';
