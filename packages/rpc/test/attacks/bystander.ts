import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../../src/exports/client.js';
import type { Victim } from './attempt.js';

const PROCESS = fileURLToPath(new URL('./victim.mjs', import.meta.url));

/** A victim in a process of its own, with an innocent client of it. */
export interface Bystander {
  readonly victim: Victim;
  /** The observable state of the process: its exit, if it has ended, and its output. */
  readonly state: () => readonly unknown[];
  /** Makes calls that begin before an attack and end after it; returns their outcomes. */
  during(attempt: () => Promise<unknown>): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** The state of a victim that is unharmed. */
export const UNHARMED: readonly unknown[] = [null, null, ''];
/** The outcomes of the calls of an unharmed client. */
export const SERVED: readonly string[] = ['before', 'after', 'anew'];

export async function startVictim(): Promise<Bystander> {
  let said = '';
  const env = { ...process.env, NODE_NO_WARNINGS: '1' };
  const child: ChildProcess = fork(PROCESS, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  for (const output of [child.stdout, child.stderr]) output?.on('data', (bytes) => (said += bytes));
  const [port] = await once(child, 'message');
  const channel = createChannel({ resolver: staticResolver([`127.0.0.1:${port}`]) });
  const client = createClient(ConformanceServiceDefinition, { channel });
  return {
    victim: { port },
    state: () => [child.exitCode, child.signalCode, said],
    async during(attempt) {
      let goOn: () => void = () => undefined;
      const attempted = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      async function* requests() {
        yield { text: 'before' };
        await attempted;
        yield { text: 'after' };
      }
      const texts: string[] = [];
      for await (const { text } of client.bidiStream(requests())) {
        texts.push(text);
        if (text !== 'before') continue;
        await attempt();
        goOn();
      }
      const { text } = await client.unary({ text: 'anew' });
      return [...texts, text];
    },
    async close() {
      channel.close();
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
