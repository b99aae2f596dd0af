export { readArguments, USAGE } from '../arguments.js';
export type { PluginName } from '../choices.js';
export { createApp } from '../create-app.js';
export { observeFiles, publishedSamples, samplesIn } from '../samples.js';
export { publishedVersions, renderTemplate, withVendored } from '../template.js';
