import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient } from '../../src/client/index.js';
import { staticResolver } from '../../src/testing/index.js';
import type { Victim } from './attempt.js';

const PROCESS = fileURLToPath(new URL('./victim.mjs', import.meta.url));

/** A victim in a process of its own, with a client of it that has done nothing wrong. */
export interface Bystander {
  readonly victim: Victim;
  /** What is to be seen of the process: how it has exited, if it has, and what it has said. */
  readonly state: () => readonly unknown[];
  /** Calls that begin before an attempt and end after it; gives what came of them. */
  during(attempt: () => Promise<unknown>): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** What the process of a victim is like that has taken no harm. */
export const UNHARMED: readonly unknown[] = [null, null, ''];
/** What comes of the calls of a client that has taken none. */
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
