/** Runs the whole system on this machine: `npm start -- [--data DIR] [--port-base N]`. */
import { build } from '../build/build.js';
import { step } from '../workspace/steps.js';
import { runLauncher } from './launcher.mjs';
import { readManifests } from './manifests.mjs';
import { summary } from './summary.mjs';

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code, once everything has stopped.
 */
export async function main(args) {
  return await runLauncher({ command: 'npm start', args, build, bringUp, attend });
}

async function bringUp({ system, exclusively, stop: { signal } }) {
  const start = async () => {
    const [registry, ...others] = readManifests();
    try {
      await system.start(registry, signal);
      await Promise.all(others.map((manifest) => system.start(manifest, signal)));
    } catch (error) {
      if (!signal.aborted) throw error;
      return { code: 0, skipped: true, note: 'a stop was requested' };
    }
    return { code: 0 };
  };
  await step('services', () => exclusively(start));
}

async function attend(session) {
  console.log(summary(await session.system.rows(), session));
  await session.stop.promise;
}
