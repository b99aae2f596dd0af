import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, root, type System, startSystem } from '@rondo/harness';
import { type Browser, chromium, type Page } from 'playwright-core';

/** Where distributions install Chromium, and where the browsers of Google and others are on a Mac. */
const CHROMIUM = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find((path) => existsSync(path));
if (CHROMIUM === undefined) process.stdout.write('Chromium is not installed here: no browser calls the gateway\n');

const packages = join(root, 'lab/node_modules');

/** Bundles the page with a client that protoc-gen-es makes from the contracts. */
function bundlePage(): string {
  const out = mkdtempSync(join(tmpdir(), 'rondo-browser-'));
  try {
    const plugin = { local: join(packages, '.bin/protoc-gen-es'), out, include_imports: true };
    const template = JSON.stringify({ version: 'v2', plugins: [{ ...plugin, opt: 'target=js' }] });
    const descriptors = join(root, 'packages/contracts/descriptors.binpb');
    execFileSync(join(root, 'node_modules/.bin/buf'), ['generate', descriptors, '--template', template]);
    const bundle = join(out, 'page.js');
    execFileSync(
      join(packages, '.bin/esbuild'),
      [
        join(root, 'lab/e2e/browser/page.js'),
        '--bundle',
        `--alias:contract=${join(out, 'projects/v1/projects_pb.js')}`,
        `--outfile=${bundle}`,
      ],
      { env: { ...process.env, NODE_PATH: packages }, stdio: 'pipe' },
    );
    return readFileSync(bundle, 'utf8');
  } finally {
    rmSync(out, { recursive: true });
  }
}

/** Serves the page at an origin of its own. */
async function servePage(script: string): Promise<{ readonly origin: string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><title>test</title><script src="/page.js"></script>');
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { origin: `http://127.0.0.1:${portOf(server)}`, server };
}

/** A way to the gateway that can be cut. */
async function startBridge(port: number) {
  const open = new Set<Socket>();
  const server = createTcpServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(one);
      one.on('error', () => one.destroy()).on('close', () => open.delete(one) && other.destroy());
      one.pipe(other);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}

const portOf = (server: { address(): AddressInfo | string | null }) => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

(CHROMIUM === undefined ? describe.skip : describe)('a page in a browser', () => {
  let system: System;
  let gateway: string;
  let browser: Browser;
  let bridge: Awaited<ReturnType<typeof startBridge>>;
  const servers: Server[] = [];
  let origins: readonly string[];

  beforeAll(async () => {
    const script = bundlePage();
    const [own, stranger] = [await servePage(script), await servePage(script)];
    servers.push(own.server, stranger.server);
    origins = [own.origin, stranger.origin];
    system = await startSystem({ env: { RONDO_GATEWAY_CORS_ORIGINS: own.origin } });
    gateway = `http://${system.address(20)}`;
    bridge = await startBridge(Number(new URL(gateway).port));
    browser = await chromium.launch({ ...(CHROMIUM && { executablePath: CHROMIUM }), args: ['--no-sandbox'] });
  });

  afterAll(async () => {
    await browser?.close();
    bridge?.close();
    for (const server of servers) server.close();
    await system?.stop();
    system?.remove();
  });

  /** Opens the page of an origin. */
  async function openPage(origin: string | undefined): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(origin ?? '');
    return page;
  }

  async function send(method: string, path: string, body: object) {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${gateway}/v1/${path}`, { method, headers, body: JSON.stringify(body) });
    const json: { readonly name: string } = JSON.parse(await answer.text());
    expect({ status: answer.status, json }).toMatchObject({ status: 200 });
    return json;
  }

  /** Waits until the gateway knows so many replicas. */
  const untilRunning = (replicas: number) =>
    eventually(async () => {
      const { stdout } = await system.rondo('call', 'rondo.gateway.v1.GatewayService/ListExposedServices');
      expect(JSON.parse(stdout).services).toContainEqual(
        expect.objectContaining({ name: 'projects.v1.ProjectService', instances: replicas }),
      );
    });

  it('may not read if the gateway does not know its origin', async () => {
    const read = `read(${JSON.stringify(gateway)})`;
    expect(await (await openPage(origins[0])).evaluate(read)).toBe('200');
    expect(await (await openPage(origins[1])).evaluate(read)).toMatch(/Failed to fetch/);
  });

  it.each([390, 1280])('shows the whole home page at a width of %d', async (width) => {
    const page = await browser.newPage({ viewport: { width, height: 800 } });
    await page.goto(`${gateway}/`);
    const isCut =
      "[document.documentElement, ...document.querySelectorAll('pre')].some((one) => one.scrollWidth > one.clientWidth)";
    expect(await page.evaluate(isCut)).toBe(false);
  });

  it('watches by gRPC-Web, Connect and EventSource, and loses nothing when a replica and a connection break', async () => {
    const { name } = await send('POST', 'projects', { project: { title: '0' } });
    const rename = (title: number) => send('PATCH', name, { title: `${title}` });
    const page = await openPage(origins[0]);
    await page.evaluate(`watch(${JSON.stringify({ gateway, events: bridge.url, name })})`);
    const titles = ['begins with 0'];
    /** Waits until each way has brought the same, in order and once. */
    const isSeen = () =>
      eventually(async () =>
        expect(await page.evaluate('seen')).toEqual({ grpcWeb: titles, connect: titles, events: titles, failures: [] }),
      );
    const change = async () => {
      await rename(titles.length);
      titles.push(`${titles.length}`);
    };
    await isSeen();
    await change();
    await isSeen();

    // All streams are at the first replica, which is the only one until now.
    system.addInstance('project-management', 'project-management-2');
    await untilRunning(2);
    for (let changes = 0; changes < 3; changes += 1) await change();
    process.kill(system.pid('project-management-1'), 'SIGKILL');
    // Until the gateway knows, a change may fail because it was sent to the replica that is gone.
    await untilRunning(1);
    for (let changes = 0; changes < 3; changes += 1) await change();
    await isSeen();

    bridge.cut();
    for (let changes = 0; changes < 3; changes += 1) await change();
    await isSeen();
  });
});
