import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../eventually.js';
import { startIn } from '../run.js';

/** A service that runs alone, without a registry. */
export interface Served {
  readonly address: string;
  /** Stops it as a supervisor does. */
  stop(): Promise<void>;
}

/**
 * Starts the built service `name` of the repository in `root`.
 *
 * @throws Error with what it printed where it doesn't listen in time.
 */
export async function serve(root: string, name: string): Promise<Served> {
  const main = join('services', name, 'dist/main.js');
  if (!existsSync(join(root, main))) throw new Error(`${main} has not been built`);
  // Nothing listens on port 1: it registers nowhere, whatever else runs on this machine.
  const env = { RONDO_LISTEN: '127.0.0.1:0', RONDO_REGISTRY: '127.0.0.1:1', RONDO_LOG_LEVEL: 'info' };
  const service = startIn({ cwd: root, env }, process.execPath, [main]);
  const stop = async () => {
    service.process.kill('SIGTERM');
    await service.ended;
  };
  try {
    const address = await eventually(() => {
      const { stdout, stderr } = service.output();
      const [, found] = /listening on ([\d.]+:\d+)/.exec(stdout) ?? [];
      if (found === undefined) throw new Error(`${name} isn't listening: ${stdout}${stderr}`);
      return found;
    });
    return { address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
