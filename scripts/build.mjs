/** Generates, compiles every package and service, and bundles `rondo`. */
import { fileURLToPath } from 'node:url';
import { withBuild } from './build-lock.mjs';
import { parseFaults } from './dev/faults.mjs';
import { generate } from './generate.mjs';
import { native, run } from './process.mjs';
import { BUNDLE, bundleFile, isBundleFresh, MODULES } from './rondo-bundle.mjs';
import { step } from './steps.mjs';

/**
 * Runs tsc's incremental build for the references of {@link PROJECTS}, or for some projects only.
 * @param {string[]} [projects]
 * @param {AbortSignal} [signal] Ends the wait for another command's build.
 */
export function compile(projects = [], signal) {
  const args = ['--build', ...(projects.length === 0 ? [PROJECTS] : projects)];
  return withBuild('compile', () => run(native('tsc'), args, { env: LAZY_COLLECTOR }), signal);
}

/** The projects to compile. The root's tsconfig.json is for editors: it includes tests, whose types `npm run check` checks. */
export const PROJECTS = 'tsconfig.build.json';

/** Compiles, with the compiler's faults in the form of `rondo dev`. */
async function compileReadably(projects, signal) {
  const { code, output } = await compile(projects, signal);
  return {
    code,
    output: parseFaults(output)
      .map(({ text }) => text)
      .join('\n'),
  };
}

/** Makes tsc collect garbage less often: it is a fifth faster, and its memory is free again when it ends. */
const LAZY_COLLECTOR = { GOGC: '400' };

/**
 * Generates, compiles and bundles what has changed.
 * @param {{ signal?: AbortSignal }} [options] `signal` ends the wait for another command's build.
 * @returns {Promise<boolean>} False if a step failed; it has printed why.
 */
export const build = async ({ signal } = {}) =>
  (await buildOnly([], signal)) && (isBundleFresh() || (await step('bundle rondo', bundleRondo)).code === 0);

/** Bundles `rondo` if its modules have changed. If that fails, `rondo` runs its modules. */
export const refreshBundle = async () => void (isBundleFresh() || (await bundleRondo()));

/**
 * @param {string[]} projects Only these and their references; all if the list is empty.
 * @param {AbortSignal} [signal] As that of {@link compile}.
 * @returns {Promise<boolean>} False if a step failed; it has printed why.
 */
export async function buildOnly(projects, signal) {
  const generated = await step('generate', () => generate(signal));
  if (generated.code !== 0) return false;
  return (await step('compile', () => compileReadably(projects, signal))).code === 0;
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
