/** Runs the whole system on this machine: `npm start`. */
import { buildOnly } from '../build/build.js';
import { console } from '../terminal/console.js';
import { REGISTRY, readManifests } from '../workspace/manifests.js';
import { step } from '../workspace/steps.js';
import type { Session } from './commands.js';
import { runLauncher } from './launcher.js';
import { summary } from './summary.js';

/** Resolves to the exit code, once everything has stopped. */
export const main = (args: readonly string[]): Promise<number> =>
  runLauncher({ command: 'npm start', args, build: ({ signal }) => buildOnly([], signal), bringUp, attend });

async function bringUp({ system, exclusively, stop: { signal } }: Session): Promise<void> {
  const startAll = async () => {
    const manifests = readManifests();
    const registry = manifests.filter(({ service }) => service === REGISTRY);
    const others = manifests.filter(({ service }) => service !== REGISTRY);
    const after = Promise.all(registry.map((manifest) => system.start(manifest, { signal })));
    try {
      await Promise.all([after, ...others.map((manifest) => system.start(manifest, { signal, after }))]);
    } catch (error) {
      if (!signal.aborted) throw error;
      return { code: 0, skipped: true, note: 'a stop was requested' };
    }
    return { code: 0 };
  };
  await step('services', () => exclusively(startAll));
}

async function attend(session: Session): Promise<void> {
  console.log(await summary(await session.system.rows(), session));
  await session.stop.promise;
}
