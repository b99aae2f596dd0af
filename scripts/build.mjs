/** Generates, then compiles every package and service. */
import { generate } from './generate.mjs';
import { bin, run } from './process.mjs';
import { step } from './steps.mjs';

/** tsc's own incremental build over the references of tsconfig.json. */
export const compile = () => run(bin('tsc'), ['--build']);

/**
 * @returns {Promise<boolean>} False when a step failed; it has said why.
 */
export async function build() {
  const generated = await step('generate', generate);
  if (generated.code !== 0) return false;
  return (await step('compile', compile)).code === 0;
}

/** `npm run build` */
export async function main() {
  return (await build()) ? 0 : 1;
}
