/** For the laboratory and the documentation, which run by `rondo`: the workspace, other programs, builds, options, steps. */

export { build, compile } from '../build/build.js';
export { runPnpm } from '../build/install.js';
export { main as test } from '../jest/test.js';
export { filesBelow } from '../workspace/files.js';
export { namedOptions, parse, takenByNpm } from '../workspace/options.js';
export { root } from '../workspace/paths.js';
export { hasCommit, run } from '../workspace/process.js';
export { type StepResult, step } from '../workspace/steps.js';
