/** For the laboratory and the documentation, which run by `rondo`: the workspace, other programs, builds, options, steps. */

export { build, compile } from '../build/build.js';
export { writeJoin } from '../build/bundle-file.js';
export { runPnpm } from '../build/install.js';
export { componentOf, writeSbom } from '../build/sbom.js';
export { main as test } from '../jest/test.js';
export { filesBelow, projectFolders, readJson } from '../workspace/files.js';
export { parse, takenByNpm } from '../workspace/options.js';
export { root, tool } from '../workspace/paths.js';
export { gitFault, hasCommit, native, run } from '../workspace/process.js';
export { step } from '../workspace/steps.js';
