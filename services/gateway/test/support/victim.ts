import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { ConnectionOptions } from 'node:tls';
import { fileURLToPath } from 'node:url';
import type { CertificateFiles } from './certificates.js';
import { ask1, ask2, overTls, textOf } from './listening.js';

const PROCESS = fileURLToPath(new URL('../attacks-victim.mjs', import.meta.url));

/** A public port in a process of its own, with an honest client of it. */
export interface Victim {
  readonly port: number;
  /** How an attacker connects over TLS; missing without TLS. */
  readonly tls?: ConnectionOptions;
  /** The exit code and the signal of the process, if it has ended, and its output. */
  readonly state: () => readonly unknown[];
  /** A request of the honest client. */
  readonly serve: () => Promise<{ readonly body: string }>;
  /** Exchanges messages that begin before an attack and end after it; returns their outcomes. */
  during(attack: () => Promise<unknown>): Promise<readonly string[]>;
  /** How much more memory the process uses than at its start, without garbage. Bytes. */
  kept(): Promise<number>;
  /**
   * Ends the honest client, puts the victim's clock forward and waits until it has no connection. Returns its memory in
   * bytes after a collection of garbage: what it uses, and what it holds of the system.
   */
  usageAfterwards(): Promise<{ readonly used: number; readonly resident: number }>;
  close(): Promise<void>;
}

export const UNHARMED: readonly unknown[] = [null, null, ''];
export const SERVED: readonly string[] = ['beforeafter', 'beforeafter', 'anew', 'anew'];

const STREAM = '/rondo.conformance.v1.ConformanceService/BidiStream';

/** Starts a public port; with the certificate in `files`, all clients connect over TLS. */
export async function startVictim(files?: CertificateFiles): Promise<Victim> {
  let said = '';
  const certificate = files && { VICTIM_CERT: files.certPath, VICTIM_KEY: files.keyPath };
  const env = { ...process.env, NODE_NO_WARNINGS: '1', ...certificate };
  const child: ChildProcess = fork(PROCESS, {
    env,
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  for (const output of [child.stdout, child.stderr]) output?.on('data', (bytes) => (said += bytes));
  const [{ port }] = await once(child, 'message');
  const tls = { rejectUnauthorized: false };
  const secure = files !== undefined;
  const session = http2.connect(`${secure ? 'https' : 'http'}://127.0.0.1:${port}`, tls);
  const anew = { method: 'POST', path: '/anew', body: 'anew' };
  const serve = () => ask2(session, anew);
  // A connection without a request is ended after ten seconds, and an attack on a busy machine takes longer.
  await serve();
  return {
    port,
    ...(secure && { tls }),
    serve,
    state: () => [child.exitCode, child.signalCode, said],
    async during(attack) {
      const stream = session.request({ ':method': 'POST', ':path': STREAM });
      const request = http.request({ port, host: '127.0.0.1', method: 'POST', path: STREAM, ...overTls(secure) });
      for (const one of [stream, request]) one.write('before');
      const [[response]] = await Promise.all([once(request, 'response'), once(stream, 'response')]);
      await attack();
      for (const one of [stream, request]) one.end('after');
      const streamed = await Promise.all([textOf(stream), textOf(response)]);
      return [...streamed, (await ask1(port, { ...anew, secure })).body, (await serve()).body];
    },
    async kept() {
      child.send('kept');
      const [bytes] = await once(child, 'message');
      return bytes;
    },
    async usageAfterwards() {
      session.destroy();
      http.globalAgent.destroy();
      child.send('usage');
      const [usage] = await once(child, 'message');
      return usage;
    },
    async close() {
      session.destroy();
      const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
      child.kill('SIGKILL');
      await exited;
    },
  };
}
