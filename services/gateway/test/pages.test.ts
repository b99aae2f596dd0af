import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { createConsole } from '../src/pages/console.js';
import { createPages } from '../src/pages/pages.js';
import { createServicePages } from '../src/pages/service-pages.js';
import { open2, receive2, send1, send2 } from './support/calling.js';
import { catalogueOf, wellKnownFiles } from './support/catalogues.js';
import { fileOf } from './support/files.js';
import { ask1, closeAll, connect2, listening } from './support/listening.js';

afterEach(closeAll);

async function start({
  notReady,
  hasConsole = true,
  folder,
}: {
  readonly notReady?: string;
  readonly hasConsole?: boolean;
  /** That of the pages of services. */
  readonly folder?: string;
} = {}) {
  const { services, routes } = catalogueOf([...wellKnownFiles, fileOf('a.v1.S', { Get: {} })]);
  const catalogue = { services, routes, revision: 1 };
  const console = hasConsole ? createConsole() : undefined;
  const pages = createPages({ catalogue, health: { notReady }, console, services: createServicePages(folder) });
  const { port } = await listening({
    handler: (exchange) => {
      if (pages(exchange)) return;
      exchange.respond(404, {});
      exchange.end();
    },
  });
  return { port, catalogue };
}

const get = (port: number, path: string, headers = {}) => send1(port, { method: 'GET', path, headers });

describe('/openapi.json', () => {
  it('is the document, compressed if the client accepts that', async () => {
    const { port } = await start();
    const plain = await get(port, '/openapi.json');
    expect(plain.headers).toMatchObject({ 'content-type': 'application/json', vary: 'accept-encoding' });
    expect(JSON.parse(plain.body.toString())).toMatchObject({ openapi: '3.1.1' });
    const zipped = await get(port, '/openapi.json', { 'accept-encoding': 'gzip' });
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', 'content-length': String(zipped.body.length) });
    expect(gunzipSync(zipped.body)).toEqual(plain.body);
  });

  it('isn’t sent to a client that has it', async () => {
    const { port, catalogue } = await start();
    const first = await get(port, '/openapi.json');
    const etag = first.headers.etag ?? '';
    const again = await get(port, '/openapi.json', { 'if-none-match': etag });
    expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
    catalogue.services = [];
    catalogue.routes = [];
    catalogue.revision += 1;
    const changed = await get(port, '/openapi.json', { 'if-none-match': etag });
    expect(changed.status).toBe(200);
    expect(changed.headers.etag).not.toBe(etag);
  });

  it('is served over HTTP/2 too, and without a body to HEAD', async () => {
    const { port } = await start();
    const session = await connect2(`http://127.0.0.1:${port}`);
    const got = await send2(session, { method: 'GET', path: '/openapi.json' });
    const head = open2(session, { method: 'HEAD', path: '/openapi.json' });
    head.end();
    const { status, headers, body } = await receive2(head);
    expect([status, body.length, headers['content-length']]).toEqual([200, 0, String(got.body.length)]);
  });
});

describe('/console', () => {
  it('loads nothing from elsewhere, and everything that it names is there', async () => {
    const { port } = await start();
    const page = await ask1(port, { path: '/console' });
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page.body).not.toMatch(/https?:|<script>|style=/);
    const named = [...page.body.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path = '']) => path);
    expect(named).toHaveLength(3);
    for (const path of named) {
      const file = await get(port, new URL(path, 'http://gateway/console').pathname);
      expect([path, file.status, file.headers['content-security-policy']]).toEqual([path, 200, policy]);
    }
  });

  it('keeps credentials in no storage of the browser, which the other pages at this address read', () => {
    const folder = new URL('../../../packages/console/src/', import.meta.url);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name));
    const stores = (text: string) =>
      /sessionStorage|localStorage|indexedDB|cookie|BroadcastChannel|history\.\w+State/.test(text);
    expect(files).toContain('calls/connect.ts');
    expect(files.filter((name) => stores(readFileSync(new URL(name, folder), 'utf8')))).toEqual([]);
  });

  it('has no other paths, and none where it isn’t served', async () => {
    const { port } = await start();
    expect((await ask1(port, { path: '/console' })).status).toBe(200);
    for (const path of ['/console/x', '/console/../package.json', '/docs']) {
      expect((await ask1(port, { path })).status).toBe(404);
    }
    const { port: other } = await start({ hasConsole: false });
    expect((await ask1(other, { path: '/console' })).status).toBe(404);
    expect((await ask1(other, { path: '/' })).body).not.toContain('href="console"');
  });
});

describe('the pages of services', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rondo-pages-'));
  const write = (file: string, text: string, time = 1) => {
    writeFileSync(join(folder, file), text);
    utimesSync(join(folder, file), time, time);
  };
  beforeAll(() => {
    for (const page of ['board', 'unmade']) mkdirSync(join(folder, page));
    write('board/index.html', '<title>board</title>');
    write('board/main.js', 'first()');
    write('board/.env', 'secret');
    write('board/data.json', 'secret');
    write('board.json', 'secret');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('have another opener policy than the console, so that a page can’t reach into a console that it has opened', async () => {
    const { port } = await start({ folder });
    const [board, console] = await Promise.all(['/board', '/console'].map((path) => ask1(port, { path })));
    expect(board?.headers['cross-origin-opener-policy']).toBe('same-origin-allow-popups');
    expect(console?.headers['cross-origin-opener-policy']).toBe('same-origin');
  });

  it('are linked and served with the policy of the console', async () => {
    const { port } = await start({ folder });
    const home = await ask1(port, { path: '/' });
    expect(home.body).toContain('<a href="board">Board</a>');
    expect(home.body).not.toContain('unmade');
    const policy = (await ask1(port, { path: '/console' })).headers['content-security-policy'];
    for (const [path, body] of [
      ['/board', '<title>board</title>'],
      ['/board/main.js', 'first()'],
    ] as const) {
      const { status, headers, body: text } = await ask1(port, { path });
      expect([path, status, text, headers['content-security-policy']]).toEqual([path, 200, body, policy]);
    }
  });

  it('are served as they are built anew', async () => {
    const { port } = await start({ folder });
    const { headers } = await ask1(port, { path: '/board/main.js' });
    write('board/main.js', 'second()', 2);
    const again = await ask1(port, { path: '/board/main.js', headers: { 'if-none-match': String(headers.etag) } });
    expect([again.status, again.body]).toEqual([200, 'second()']);
  });

  it('have no other files, and none where no service has one', async () => {
    const { port } = await start({ folder });
    const long = 'x'.repeat(5_000);
    const others = ['.env', 'data.json', '../board.json', '..%2fboard.json', 'main.js/x', 'x.js', `${long}.js`];
    for (const path of [...others.map((name) => `/board/${name}`), '/board.json', '/unmade', '/none', `/${long}`]) {
      expect([path, (await ask1(port, { path })).status]).toEqual([path, 404]);
    }
    const { port: other } = await start();
    expect((await ask1(other, { path: '/board' })).status).toBe(404);
    expect((await ask1(other, { path: '/' })).body).not.toContain('href="board"');
  });
});

describe('the pages', () => {
  it('have relative paths alone, so that a proxy may add a prefix, and no slash at their ends', async () => {
    const { port } = await start();
    for (const path of ['/', '/console']) expect((await ask1(port, { path })).body).not.toMatch(/(?:href|src)="\//);
    const { status, headers } = await ask1(port, { path: '/console/' });
    expect([status, headers['location']]).toEqual([308, '../console']);
    expect((await ask1(port, { path: '/none/' })).status).toBe(404);
  });

  it.each(['/', '/console', '/openapi.json'])('%s refuses other methods, and keeps the connection', async (path) => {
    const { port } = await start();
    const { status, headers } = await send1(port, {
      path,
      headers: { 'content-length': '1' },
      chunks: [Buffer.from('x')],
    });
    expect([status, headers['allow'], headers['connection']]).toEqual([405, 'GET, HEAD', 'keep-alive']);
  });

  it('take a GET with a body, and keep the connection', async () => {
    const { port } = await start();
    const asked = { method: 'GET', path: '/openapi.json', headers: { 'content-length': '1' } };
    const { status, headers } = await send1(port, { ...asked, chunks: [Buffer.from('x')] });
    expect([status, headers['connection']]).toEqual([200, 'keep-alive']);
  });

  it('/ loads nothing', async () => {
    const { port } = await start();
    const { status, headers, body } = await ask1(port, { path: '/' });
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
    expect(body).toContain(`127.0.0.1:${port} list`);
    expect(body).toContain('<a href="console">Console</a>');
    expect(body).not.toMatch(/<script|src=/);
  });

  it('/readyz tells why the gateway isn’t ready, while /healthz is well', async () => {
    const { port } = await start({ notReady: 'draining' });
    expect(await ask1(port, { path: '/readyz' })).toMatchObject({ status: 503, body: 'draining\n' });
    expect(await ask1(port, { path: '/healthz' })).toMatchObject({ status: 200, body: 'ok\n' });
  });
});
