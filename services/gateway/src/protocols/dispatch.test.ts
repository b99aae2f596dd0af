import { afterEach, describe, expect, it } from '@jest/globals';
import { RpcError, Status } from '@rondo/rpc/status';
import { ManualClock } from '@rondo/rpc/testing';
import { deferred } from '../../../../packages/rpc/test/support/wait.js';
import { echoBackend, frame, frames, gateway, open2, type Sent, send1, send2 } from '../../test/support/calling.js';
import { closeAll, connect2, listening, logged } from '../../test/support/listening.js';
import { note, noteCatalogue, pathOf } from '../../test/support/note-service.js';
import type { RouteMatch } from '../discovery/catalogue.js';
import type { HttpExchange } from '../listener/exchange.js';
import { createDispatch } from './dispatch.js';

afterEach(closeAll);
afterEach(() => expect(logged.splice(0)).toEqual([]));

const say = (text: string) => (exchange: HttpExchange) => {
  exchange.respond(200, { 'content-type': 'text/plain' });
  exchange.end(Buffer.from(text));
};

/** A gateway with a page at `/readyz`, and a route for POST at `/v1/notes`. */
async function served({ version = '2', ...sent }: Sent & { readonly version?: string }) {
  const { port, session } = await gateway({
    backend: echoBackend().backend,
    catalogue: {
      ...noteCatalogue,
      route: (verb, path) => {
        if (!path.startsWith('/v1/notes')) return undefined;
        const match = { target: noteCatalogue.method(pathOf('Put')), binding: { template: { text: path } } };
        return verb === 'POST' ? (match as RouteMatch) : { allow: ['POST'] };
      },
    },
    httpJson: say('route'),
    pages: (exchange) => {
      const known = exchange.path === '/readyz';
      if (known) say('page')(exchange);
      return known;
    },
  });
  return version === '2' ? send2(await session(), sent) : send1(port, sent);
}

it("names a request's route by the contract", async () => {
  let closed: (route: string | undefined) => void = () => undefined;
  const { port } = await gateway({
    backend: echoBackend().backend,
    pages: (exchange) => {
      exchange.onClose(() => closed(exchange.route));
      return false;
    },
  });
  const routeOf = (path: string) =>
    new Promise((resolve, reject) => {
      closed = resolve;
      send1(port, { path, headers: type('application/proto'), chunks: [note('a')] }).catch(reject);
    });
  expect(await routeOf(pathOf('Put'))).toBe(pathOf('Put'));
  expect(await routeOf('/v1/unknown')).toBeUndefined();
});

const type = (contentType: string) => ({ 'content-type': contentType });
const chunks = [frame(note('a'))];

const put = (contentType: string) => ({ path: pathOf('Put'), headers: type(contentType) });

const REFUSED: readonly (readonly [string, Parameters<typeof served>[0], number, Record<string, string>])[] = [
  ['an unknown path', { method: 'GET', path: '/x' }, 404, {}],
  ['an unknown path with a JSON body', { path: '/x', headers: type('application/json') }, 404, {}],
  ['an annotated path with another verb', { method: 'PUT', path: '/v1/notes' }, 405, { allow: 'POST' }],
  ['a method with another verb', { method: 'DELETE', path: pathOf('Put') }, 405, { allow: 'POST' }],
  ['a method by GET that has side effects', { method: 'GET', path: pathOf('Put') }, 405, { allow: 'POST' }],
  ['a safe method with another verb', { method: 'PUT', path: pathOf('Get') }, 405, { allow: 'POST, GET' }],
  ['gRPC with another verb', { method: 'DELETE', ...put('application/grpc') }, 405, {}],
  ['another content type', put('image/jpeg'), 415, {}],
  ['no content type', { path: pathOf('Put') }, 415, {}],
  ['another codec of gRPC', put('application/grpc+foo'), 415, {}],
  ['another codec of gRPC, at an unknown path', { path: '/x', headers: type('application/grpc+foo') }, 415, {}],
  ['another codec of Connect', put('application/foo'), 415, {}],
  ['a stream of Connect for a unary method', put('application/connect+proto'), 415, {}],
  ['a unary call of Connect for a stream', { path: pathOf('Chat'), headers: type('application/proto') }, 415, {}],
  ['gRPC over HTTP/1.1', { version: '1.1', ...put('application/grpc') }, 426, { upgrade: 'h2c' }],
];

describe('the dispatch', () => {
  it.each([
    ['a page', { method: 'GET', path: '/readyz' }, 'page'],
    ['a page, whatever its content type', { path: '/readyz', headers: type('application/grpc') }, 'page'],
    ['an annotated path', { path: '/v1/notes', headers: type('application/json') }, 'route'],
    ['an annotated path with any other type', { path: '/v1/notes', headers: type('text/plain') }, 'route'],
  ])('serves %s', async (_title, sent, text) => {
    expect(String((await served(sent)).body)).toBe(text);
  });

  it.each(['Application/GRPC+proto; x=y', 'application/grpc-web', 'application/grpc-web+proto'])(
    'takes %s',
    async (contentType) => {
      const answer = await served({ path: pathOf('Put'), headers: type(contentType), chunks });
      expect(answer.status).toBe(200);
      expect(frames(answer.body)[0]?.data).toEqual(note('a'));
    },
  );

  it('takes JSON with a charset', async () => {
    const headers = type('application/json; charset=utf-8');
    expect(await served({ path: pathOf('Put'), headers, chunks: [Buffer.from('{}')] })).toMatchObject({ status: 200 });
  });

  it('says that a path has no custom method of such a name', async () => {
    const { status, body } = await served({ method: 'PUT', path: '/v1/notes/a:archve' });
    expect([status, JSON.parse(String(body)).message]).toEqual([
      405,
      'this path takes POST; not PUT, and no custom method archve takes PUT; / lists what is served',
    ]);
  });

  it.each(REFUSED)('refuses %s', async (...[, sent, status, headers]) => {
    const answer = await served(sent);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject(headers);
    // Clients of Connect would take a JSON body for an error of the method.
    const json = 'path' in sent && !sent.path.startsWith('/notes.') && status !== 415;
    expect(answer.headers['content-type']).toBe(json ? 'application/json' : 'text/plain; charset=utf-8');
  });

  it.each([
    ['another verb', { method: 'DELETE', ...put('application/grpc-web') }],
    ['an unknown method', { path: '/notes.v1.NoteService/Nothing', headers: type('application/grpc-web') }],
    ['a malformed timeout', { path: pathOf('Put'), headers: { ...type('application/grpc-web'), 'grpc-timeout': 'x' } }],
    [
      'such a one of Connect',
      { path: pathOf('Put'), headers: { ...type('application/json'), 'connect-timeout-ms': 'x' } },
    ],
  ])('keeps the HTTP/1.1 connection of a client that sends %s', async (_title, sent) => {
    const body = Buffer.concat([frame(note('a')), frame(note('b'))]);
    const headers = { ...sent.headers, 'content-length': String(body.length) };
    const answer = await served({ version: '1.1', ...sent, headers, chunks: [body] });
    expect(answer.headers.connection).toBe('keep-alive');
  });

  it.each(['application/grpc', 'application/grpc-web'])('answers an unknown method by %s', async (contentType) => {
    const answer = await served({ path: '/notes.v1.NoteService/Nothing', headers: type(contentType), chunks });
    expect(answer.status).toBe(200);
    expect(`${answer.trailers['grpc-status']} ${answer.body}`).toMatch(/12/);
  });

  it.each(['application/proto', 'application/json', 'application/connect+proto'])(
    'answers an unknown method by %s',
    async (contentType) => {
      const answer = await served({ path: '/notes.v1.NoteService/Nothing', headers: type(contentType), chunks });
      expect(answer.status).toBe(404);
      expect(JSON.parse(String(answer.body))).toMatchObject({ code: 'unimplemented' });
    },
  );

  it.each([
    ['1.1', { status: 403, headers: { 'content-type': 'application/json' } }],
    ['2', { status: 200, trailers: { 'grpc-status': '7' } }],
  ])('tells a client of gRPC over HTTP/%s that it may not call', async (version, refused) => {
    const dispatch = createDispatch({
      catalogue: noteCatalogue,
      backend: echoBackend().backend,
      httpJson: () => undefined,
      pages: () => false,
    });
    const error = new RpcError(Status.PERMISSION_DENIED, 'no');
    const { port } = await listening({ handler: (exchange) => dispatch.refuse(exchange, error, 403) });
    const sent = { path: pathOf('Put'), headers: type('application/grpc'), chunks };
    const answer = await (version === '2'
      ? send2(await connect2(`http://127.0.0.1:${port}`), sent)
      : send1(port, sent));
    expect(answer).toMatchObject(refused);
  });

  it.each([
    ['HTTP/JSON', '/v1/notes', { code: 8, details: [{ '@type': 'x/a.B', value: 'AQ==' }] }],
    [
      'Connect by GET',
      `${pathOf('Get')}?encoding=json&message=`,
      { code: 'resource_exhausted', details: [{ type: 'a.B' }] },
    ],
  ])('has the details of a refusal by %s', async (_by, path, refused) => {
    const dispatch = createDispatch({
      catalogue: noteCatalogue,
      backend: echoBackend().backend,
      httpJson: () => undefined,
      pages: () => false,
    });
    const details = [{ typeUrl: 'x/a.B', value: Buffer.from([1]) }];
    const error = new RpcError(Status.RESOURCE_EXHAUSTED, 'no', { details });
    const { port } = await listening({ handler: (exchange) => dispatch.refuse(exchange, error, 429) });
    const { status, body } = await send1(port, { method: 'GET', path });
    expect([status, JSON.parse(String(body))]).toMatchObject([429, refused]);
  });

  /** A gateway in front of a service whose instances are all new, and that of a call that it holds. */
  async function learningGateway() {
    const clock = new ManualClock();
    const echo = echoBackend().backend;
    const state = { calls: 0, learning: true };
    const [held, released] = [deferred(), deferred()];
    let change = (): void => undefined;
    const { port, session } = await gateway({
      clock,
      backend(call) {
        state.calls += 1;
        return echo(call);
      },
      catalogue: {
        ...noteCatalogue,
        learning: () => state.learning,
        onChange(listener) {
          change = listener;
          held.resolve();
          return released.resolve;
        },
      },
    });
    return { clock, port, session, state, held: held.promise, released: released.promise, change: () => change() };
  }

  it.each([
    ['a call until a contract of its new instances is known', false, put('application/proto')],
    ['a call for two seconds at most', true, put('application/proto')],
    ['a request to an unknown path while a service is new', false, { path: '/v1/new' }],
  ])('holds %s', async (title, isLate, sent) => {
    const { clock, port, state, held, released, change } = await learningGateway();
    const answer = send1(port, { ...sent, chunks: [note('a')] });
    expect(await Promise.race([held, answer])).toBeUndefined();
    change();
    expect(state.calls).toBe(0);
    state.learning = isLate;
    if (isLate) await clock.advance(2_000);
    else change();
    const isCall = title.startsWith('a call');
    expect((await answer).status).toBe(isCall ? 200 : 404);
    await released;
    expect(state.calls).toBe(isCall ? 1 : 0);
  });

  it('forgets a call that it holds when the client leaves', async () => {
    const { clock, session, state, held, released, change } = await learningGateway();
    const stream = open2(await session(), put('application/proto'));
    await held;
    stream.close();
    await released;
    state.learning = false;
    change();
    await clock.advance(2_000);
    expect(state.calls).toBe(0);
  });

  it('says why a service is away, by each protocol', async () => {
    const path = '/notes.v1.GoneService/Put';
    const reason = 'no instance of notes.v1.GoneService is running';
    const grpc = await served({ path, headers: type('application/grpc'), chunks });
    expect(grpc.trailers).toMatchObject({ 'grpc-status': '14', 'grpc-message': reason });
    const web = await served({ path, headers: type('application/grpc-web'), chunks });
    expect(String(web.body)).toContain(`grpc-status: 14\r\ngrpc-message: ${reason}`);
    const unary = await served({ path, headers: type('application/json'), chunks: [Buffer.from('{}')] });
    expect(unary.status).toBe(503);
    expect(JSON.parse(String(unary.body))).toEqual({ code: 'unavailable', message: reason });
    const stream = await served({ path, headers: type('application/connect+json'), chunks });
    expect(stream.status).toBe(200);
    expect(String(stream.body)).toContain(reason);
  });
});
