/** Updates and lists of one resource by each protocol: the same values, and the same refusals. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema, MethodOptionsSchema } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpRule } from '@rondo/contracts/google/api/http';
import {
  Book,
  ListBooksRequest,
  ListBooksResponse,
  UpdateBookRequest,
} from '@rondo/contracts/rondo/conformance/v1/library';
import { eventually, root, startRegistry, startService } from '@rondo/harness';
import { silentLogger } from '@rondo/rpc/call';
import { startService as startInProcess } from '@rondo/service';
import { ask, askGrpc, askJson, envelope } from '../../e2e/src/front-door.js';
import { startLibrary } from '../../packages/resources/test/library.js';

const FULL_NAME = 'library.v1.LibraryService';
const PARENT = 'shelves/one';
const closers: (() => unknown)[] = [];
let library: Awaited<ReturnType<typeof startLibrary>>;
let gateway: string;
let direct: string;

beforeAll(async () => {
  library = await startLibrary();
  closers.push(() => library.stop());
  await library.database.query("INSERT INTO shelves (id, title) VALUES ('one', 'One')");
  const registry = await startRegistry({ warmingMs: 0 });
  closers.push(() => registry.stop());
  const { definition, handlers } = library.service;
  const service = await startInProcess({
    ...{ name: 'library', port: 0, log: silentLogger },
    environment: {
      ...{ RONDO_LISTEN: '127.0.0.1:0', RONDO_REGISTRY: registry.address, RONDO_INSTANCE_ID: 'library-1' },
      ...{ RONDO_DRAIN_WAIT_MS: '0', RONDO_DESCRIPTORS: publicDescriptors() },
    },
    createApp: () => ({
      services: [{ definition: { ...definition, fullName: FULL_NAME }, handlers }],
      outcomes: library.outcomes,
    }),
  });
  closers.push(() => service.drain());
  direct = `http://${service.address}`;
  const front = await startService('gateway', {
    registry: registry.address,
    env: { RONDO_GATEWAY_LISTEN: '127.0.0.1:0' },
  });
  closers.push(() => front.stop());
  const [, address = ''] = await front.printed(/also listening on (127\.0\.0\.1:\d+)/);
  gateway = `http://${address}`;
  await eventually(async () => expect((await ask(`${gateway}/v1/${PARENT}/books`)).status).toBe(200));
}, 300_000);

afterAll(async () => {
  for (const close of closers.reverse()) await close();
});

/** The contract under a name that the gateway serves, with paths. */
function publicDescriptors(): string {
  const set = fromBinary(FileDescriptorSetSchema, readFileSync(join(root, 'packages/contracts/descriptors.binpb')));
  const file = set.file.find(({ name }) => name === 'rondo/conformance/v1/library.proto');
  const [service] = file?.service ?? [];
  if (file === undefined || service === undefined) throw new Error('there is no library');
  const renamed = (type: string) => type.replace('.rondo.conformance.v1.', '.library.v1.');
  Object.assign(file, { name: 'library/v1/library.proto', package: 'library.v1' });
  for (const { field } of file.messageType) for (const one of field) one.typeName = renamed(one.typeName);
  delete service.options;
  const rules: Readonly<Record<string, Parameters<typeof HttpRule.fromPartial>[0]>> = {
    ListBooks: { pattern: { $case: 'get', value: '/v1/{parent=shelves/*}/books' } },
    UpdateBook: { pattern: { $case: 'patch', value: '/v1/{book.name=shelves/*/books/*}' }, body: 'book' },
  };
  for (const method of service.method) {
    Object.assign(method, { inputType: renamed(method.inputType), outputType: renamed(method.outputType) });
    const rule = HttpRule.encode(HttpRule.fromPartial(rules[method.name] ?? {})).finish();
    method.options = create(MethodOptionsSchema);
    // google.api.http
    method.options.$unknown = [{ no: 72295728, wireType: 2, data: Buffer.concat([lengthOf(rule), rule]) }];
    if (rules[method.name] === undefined) delete method.options;
  }
  const folder = mkdtempSync(join(tmpdir(), 'rondo-values-'));
  closers.push(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'descriptors.binpb');
  writeFileSync(path, toBinary(FileDescriptorSetSchema, set));
  return path;
}

/** Of a rule, which has fewer than 128 bytes. */
const lengthOf = ({ length }: Uint8Array) => Buffer.of(length);

/** `OK`, or the number of the status and its message. */
type Outcome = string;

/** An update or a list, as a protocol carries it. */
interface Call {
  readonly method: 'UpdateBook' | 'ListBooks';
  /** For HTTP/JSON. */
  readonly http: { readonly verb: string; readonly path: string; readonly body?: object };
  /** For Connect. */
  readonly json: object;
  /** For gRPC-Web and gRPC. */
  readonly message: Uint8Array;
}

const CODES = ['canceled', 'unknown', 'invalid_argument'];

const PROTOCOLS: Readonly<Record<string, (call: Call) => Promise<Outcome>>> = {
  async 'HTTP/JSON'({ http: { verb, path, body } }) {
    const url = `${gateway}/v1/${path}`;
    const answer = await (body === undefined ? ask(url) : askJson(url, body, { method: verb }));
    const { code, message } = Object(answer.json());
    return answer.status === 200 ? 'OK' : `${code} ${message}`;
  },
  async Connect({ method, json }) {
    const answer = await askJson(`${gateway}/${FULL_NAME}/${method}`, json);
    const { code, message } = Object(answer.json());
    return answer.status === 200 ? 'OK' : `${CODES.indexOf(code) + 1} ${message}`;
  },
  async 'gRPC-Web'({ method, message }) {
    const headers = { 'content-type': 'application/grpc-web+proto' };
    const answer = await ask(`${gateway}/${FULL_NAME}/${method}`, { headers, body: envelope(message) });
    const [, inTrailers] = /grpc-status: ?(\d+)/.exec(answer.text) ?? [];
    const [, text = ''] = /grpc-message: ?(.*)/.exec(answer.text) ?? [];
    const code = answer.headers.get('grpc-status') ?? inTrailers;
    return code === '0' ? 'OK' : `${code} ${decodeURIComponent(answer.headers.get('grpc-message') ?? text).trim()}`;
  },
  async gRPC({ method, message }) {
    const answer = await askGrpc(direct, `/${FULL_NAME}/${method}`, message);
    return answer.code === 0 ? 'OK' : `${answer.code} ${decodeURIComponent(answer.message)}`;
  },
};

const PLACE = { shelf: 4, hall: 'North', level: 2, labels: ['a'] };
const BEFORE = {
  title: 'Emma',
  foundPlace: PLACE,
  rank: 3,
  addressLine1: 'One',
  line2: 'Two',
  tags: ['t'],
  score: 0.5,
};

/** The book that is sent, with the mask as the protocol has it, and what has changed, or the refusal. */
const UPDATES: readonly (readonly [what: string, book: object, mask: string, result: object | RegExp])[] = [
  ['a part of a message, without a mask', { foundPlace: { shelf: 5 } }, '', { foundPlace: { shelf: 5 } }],
  ['a part of a message', { foundPlace: { shelf: 5 } }, 'found_place.shelf', { foundPlace: { shelf: 5 } }],
  ['a part that is not sent', {}, 'found_place.hall', { foundPlace: { hall: '' } }],
  ['a whole message', { foundPlace: { shelf: 5 } }, 'found_place', { foundPlace: { shelf: 5, hall: '', labels: [] } }],
  ['0 with presence, without a mask', { rank: 0 }, '', { rank: 0 }],
  ['a part that is 0 with presence', { foundPlace: { level: 0 } }, '', { foundPlace: { level: 0 } }],
  ['a name with a digit', { addressLine1: 'X' }, 'address_line_1', { addressLine1: 'X' }],
  ['its name in JSON', { addressLine1: 'X' }, 'addressLine1', { addressLine1: 'X' }],
  ['a name that ends in an underscore', { line2: 'X' }, 'line2_', { line2: 'X' }],
  [
    'everything',
    { title: 'X' },
    '*',
    { title: 'X', foundPlace: undefined, rank: undefined, addressLine1: '', line2: '', tags: [], score: 0 },
  ],
  ['a fraction of four bytes', { score: 0.1 }, '', { score: Math.fround(0.1) }],
  ['no field', {}, 'nope', /^3 .*update_?[mM]ask: .*names "nope"/],
  ['a part of a text', {}, 'title.x', /^3 .*update_?[mM]ask: .*names "title\.x"/],
];

const FILTERS: readonly (readonly [filter: string, result: RegExp])[] = [
  ['state = PRESENT', /^OK$/],
  ['state = BOOK_STATE_PRESENT', /^OK$/],
  ['state = BOOK_STATE_GONE', /^3 filter: must compare state with one of ORDERED, PRESENT; it has BOOK_STATE_GONE$/],
  ['title = "t*"', /^3 filter: must compare title with a whole text/],
];

describe.each(Object.keys(PROTOCOLS))('%s', (protocol) => {
  const call = (one: Call) => PROTOCOLS[protocol]?.(one);
  const add = () => library.client.createBook({ parent: PARENT, book: BEFORE });
  const update = (book: object & { readonly name: string }, mask = '') =>
    call({
      method: 'UpdateBook',
      http: { verb: 'PATCH', path: `${book.name}${mask && `?updateMask=${mask}`}`, body: book },
      json: { book, ...(mask && { updateMask: mask }) },
      message: UpdateBookRequest.encode(
        UpdateBookRequest.fromPartial({ book, ...(mask && { updateMask: mask.split(',') }) }),
      ).finish(),
    });

  it.each(UPDATES.map(([what, ...row]) => [what, row] as const))('updates %s', async (_what, [book, mask, result]) => {
    const before = await add();
    const outcome = await update({ name: before.name, ...book }, mask);
    const { updateTime, etag, ...after } = await library.client.getBook({ name: before.name });
    if (result instanceof RegExp) {
      expect(outcome).toMatch(result);
      expect(after).toEqual({ ...after, ...BEFORE, foundPlace: before.foundPlace });
    } else {
      expect(outcome).toBe('OK');
      const { foundPlace: place } = before;
      const whole = { ...before, ...result, updateTime, etag };
      const merged = 'foundPlace' in result ? result.foundPlace && { ...place, ...Object(result.foundPlace) } : place;
      const level = mask === 'found_place' ? { level: undefined } : {};
      expect({ ...after, updateTime, etag }).toEqual({ ...whole, foundPlace: merged && { ...merged, ...level } });
    }
  });

  it('takes a reply back with one other field', async () => {
    const before = await add();
    const [listed] = Object((await ask(`${gateway}/v1/${PARENT}/books?pageSize=1`)).json()).books;
    const { createTime: _created, updateTime: _updated, ...json } = listed;
    const book = protocol === 'HTTP/JSON' || protocol === 'Connect' ? json : before;
    expect(json.name).toBe(before.name);
    const sent = { ...book, title: 'Edited' };
    const message = UpdateBookRequest.encode({
      book: Book.fromPartial({ ...before, title: 'Edited' }),
      updateMask: undefined,
    });
    const outcome = await call({
      ...{ method: 'UpdateBook', json: { book: sent }, message: message.finish() },
      http: { verb: 'PATCH', path: before.name, body: sent },
    });
    expect(outcome).toBe('OK');
    expect(await library.client.getBook({ name: before.name })).toMatchObject({
      title: 'Edited',
      foundPlace: before.foundPlace,
    });
  });

  it.each(FILTERS)('lists by %s', async (filter, result) => {
    const outcome = await call({
      method: 'ListBooks',
      http: { verb: 'GET', path: `${PARENT}/books?filter=${encodeURIComponent(filter)}` },
      json: { parent: PARENT, filter },
      message: ListBooksRequest.encode(ListBooksRequest.fromPartial({ parent: PARENT, filter })).finish(),
    });
    expect(outcome).toMatch(result);
  });
});

it('writes a fraction of four bytes with the fewest digits, by HTTP/JSON and Connect', async () => {
  await library.client.createBook({ parent: PARENT, book: { title: 'Float', score: Math.fround(0.1) } });
  const filter = 'title = "Float"';
  const http = await ask(`${gateway}/v1/${PARENT}/books?filter=${encodeURIComponent(filter)}`);
  const connect = await askJson(`${gateway}/${FULL_NAME}/ListBooks`, { parent: PARENT, filter });
  for (const { text } of [http, connect]) expect(text).toMatch(/"score":0\.1[,}]/);
  const message = ListBooksRequest.encode(ListBooksRequest.fromPartial({ parent: PARENT, filter })).finish();
  const { body } = await askGrpc(direct, `/${FULL_NAME}/ListBooks`, message);
  expect(ListBooksResponse.decode(body.subarray(5)).books).toMatchObject([{ score: Math.fround(0.1) }]);
});

it('names both names if that of the body contradicts the path', async () => {
  const answer = await askJson(
    `${gateway}/v1/${PARENT}/books/a`,
    { name: `${PARENT}/books/b`, title: 'X' },
    { method: 'PATCH' },
  );
  expect([answer.status, Object(answer.json()).message]).toEqual([
    400,
    `book.name: is "${PARENT}/books/b", and "${PARENT}/books/a" in the path of the URL; leave it out, or correct the URL`,
  ]);
});
