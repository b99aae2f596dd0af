import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A registry in a process of its own, as in production. */
export interface RegistryProcess {
  readonly address: string;
  /** Whether the original process is still running. */
  readonly alive: boolean;
  /** Its whole output so far. */
  output(): string;
  /** Waits until so many lines of its output have a match, one by default, and gives the last of these. */
  printed(pattern: RegExp, count?: number): Promise<string>;
  close(): Promise<void>;
}

// The built output, as in production.
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

const LISTENING = /listening on ([\d.:]+)"/;

/** Starts a registry, and resolves once it listens. */
export async function startRegistryProcess(environment: Readonly<Record<string, string>>): Promise<RegistryProcess> {
  // An environment that shifts the clock of the tests shifts the registry's clock, too.
  const around = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('RONDO_')));
  const env = { ...around, NODE_OPTIONS: '', RONDO_LISTEN: '127.0.0.1:0', ...environment };
  const child = spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  const keep = (bytes: Buffer) => {
    output += bytes;
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = once(child, 'exit');
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const printed = async (pattern: RegExp, count = 1): Promise<string> => {
    for (;;) {
      const found = output
        .slice(0, output.lastIndexOf('\n') + 1)
        .split('\n')
        .filter((line) => pattern.test(line))[count - 1];
      if (found !== undefined) return found;
      if (hasEnded()) throw new Error(`the registry has ended: ${output}`);
      await Promise.race([child.stdout && once(child.stdout, 'data'), exited]);
    }
  };
  const [, address = ''] = LISTENING.exec(await printed(LISTENING)) ?? [];
  return {
    address,
    printed,
    get alive() {
      return !hasEnded();
    },
    output: () => output,
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
