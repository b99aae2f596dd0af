import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { createChannel, createClient, staticResolver } from '../../src/exports/client.js';
import type { MutualTls } from '../../src/tls/mutual-tls.js';
import type { ConformanceClient } from '../support/service.js';
import { deferred, HANG_MS } from '../support/wait.js';
import type { Victim } from './attempt.js';

/** The calls' only deadline is that of a hang: a flood may delay them. */
const { unary, ...others } = ConformanceServiceDefinition.methods;
const definition = { ...ConformanceServiceDefinition, methods: { ...others, unary: { ...unary, options: {} } } };
const timeoutMs = HANG_MS;

const PROCESS = fileURLToPath(new URL('./victim.mjs', import.meta.url));

/** A victim in a process of its own, with an innocent client of it. */
export interface Bystander {
  readonly victim: Victim;
  /** The observable state of the process: its exit, if it has ended, and its output. */
  readonly state: () => readonly unknown[];
  /** Makes calls that begin before an attack and end after it; returns their outcomes. */
  during(attempt: () => Promise<unknown>): Promise<readonly string[]>;
  /** How much more memory the process uses than at its start, without garbage. Bytes. */
  kept(): Promise<number>;
  close(): Promise<void>;
}

/** The state of a victim that is unharmed. */
export const UNHARMED: readonly unknown[] = [null, null, ''];
/** The outcomes of the calls of an unharmed client. */
export const SERVED: readonly string[] = ['before', 'after', 'anew'];

/**
 * With TLS, the victim's certificate is in `folder`, `client` is that of the innocent client, and `tls` the attacker's. If the
 * attacker has none, the victim is permissive.
 */
interface SecureVictim {
  readonly folder: string;
  readonly client: MutualTls;
  readonly tls?: ConnectionOptions;
}

export async function startVictim(secure?: SecureVictim): Promise<Bystander> {
  let said = '';
  const env = {
    ...process.env,
    NODE_NO_WARNINGS: '1',
    ...(secure && { RONDO_TLS: secure.tls ? 'on' : 'permissive', RONDO_TLS_DIR: secure.folder }),
  };
  const child: ChildProcess = fork(PROCESS, {
    env,
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr]) output?.on('data', (bytes) => (said += bytes));
  const [port] = await once(child, 'message');
  const channel = createChannel({
    resolver: staticResolver([`127.0.0.1:${port}`]),
    mutualTls: secure?.client,
    connectTimeoutMs: timeoutMs,
  });
  const client = createClient(definition, { channel });
  const serve = () => client.unary({ text: 'anew' }, { timeoutMs });
  return {
    victim: { port, serve, ...(secure?.tls && { tls: secure.tls }) },
    state: () => [child.exitCode, child.signalCode, said],
    during: (attempt) => during(client, attempt),
    async kept() {
      child.send('kept');
      const [bytes] = await once(child, 'message');
      return bytes;
    },
    async close() {
      channel.close();
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** The texts of a stream that is open while `attack` runs, and of a call after it. */
export async function during(
  client: Pick<ConformanceClient, 'bidiStream' | 'unary'>,
  attack: () => Promise<unknown>,
): Promise<readonly string[]> {
  const attacked = deferred();
  async function* requests() {
    yield { text: 'before' };
    await attacked.promise;
    yield { text: 'after' };
  }
  const texts: string[] = [];
  for await (const { text } of client.bidiStream(requests())) {
    texts.push(text);
    if (text === 'before') await attack().then(() => attacked.resolve());
  }
  const { text } = await client.unary({ text: 'anew' }, { timeoutMs });
  return [...texts, text];
}
