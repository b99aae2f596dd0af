/** Generates, compiles every package and service, and bundles `rondo`. */
import { fileURLToPath } from 'node:url';
import { parseFaults } from './dev/faults.mjs';
import { generate } from './generate.mjs';
import { native, run } from './process.mjs';
import { BUNDLE, bundleFile, isBundleFresh, MODULES } from './rondo-bundle.mjs';
import { step } from './steps.mjs';

/**
 * tsc's own incremental build over the references of {@link PROJECTS}, or of some projects alone.
 * @param {string[]} [projects]
 */
export const compile = (projects = []) =>
  run(native('tsc'), ['--build', ...(projects.length === 0 ? [PROJECTS] : projects)], { env: LAZY_COLLECTOR });

/** What is compiled. The root's tsconfig.json is for editors: it has the tests as well, whose types `npm run check` checks. */
export const PROJECTS = 'tsconfig.build.json';

/** With what the compiler found as `rondo dev` says it. */
async function compileReadably(projects) {
  const { code, output } = await compile(projects);
  return {
    code,
    output: parseFaults(output)
      .map(({ text }) => text)
      .join('\n'),
  };
}

/** It is short-lived: that its garbage collector runs less often makes it a fifth faster, for memory that is soon free again. */
const LAZY_COLLECTOR = { GOGC: '400' };

/**
 * @returns {Promise<boolean>} False when a step failed; it has said why.
 */
export const build = async () =>
  (await buildOnly([])) && (isBundleFresh() || (await step('bundle rondo', bundleRondo)).code === 0);

/** Bundles `rondo` again if its modules have changed. If that fails, `rondo` runs from its modules. */
export const refreshBundle = async () => void (isBundleFresh() || (await bundleRondo()));

/**
 * @param {string[]} projects These alone, with what they refer to; all, where there are none.
 * @returns {Promise<boolean>} False when a step failed; it has said why.
 */
export async function buildOnly(projects) {
  const generated = await step('generate', generate);
  if (generated.code !== 0) return false;
  return (await step('compile', () => compileReadably(projects))).code === 0;
}

async function bundleRondo() {
  try {
    await bundleFile(fileURLToPath(MODULES), fileURLToPath(BUNDLE));
    return { code: 0 };
  } catch (error) {
    return { code: 1, output: error.message };
  }
}

/** `npm run build` */
export async function main() {
  return (await build()) ? 0 : 1;
}
