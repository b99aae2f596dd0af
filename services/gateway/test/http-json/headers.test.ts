import { fromBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from '@jest/globals';
import { Metadata } from '@rondo/rpc/call';
import { RpcError, Status } from '@rondo/rpc/status';
import { ask } from './ask.js';
import { binding, descOf, target } from './contract.js';

const echo = { target: target('EchoAll'), binding: binding('POST /v1/all', '*'), body: '{}' };

describe('PATCH', () => {
  const patch = binding('PATCH /v1/{book.name=books/*}', 'book');
  const update = (body: string, query = '') =>
    ask({
      target: target('UpdateBook'),
      binding: patch,
      body,
      query,
      variables: { 'book.name': 'books/1' },
      reply: {},
    });

  it('masks the fields that the body names', async () => {
    expect(
      await update('{"name": "books/1", "etag": "\\"1\\"", "createTime": null, "pageCount": 0, "title": "t"}'),
    ).toMatchObject({
      seen: { book: { name: 'books/1', title: 't' }, updateMask: 'title,pageCount' },
    });
    expect((await update('{"etag": "\\"1\\""}')).seen).not.toHaveProperty('updateMask');
  });

  it.each([
    ['{"nested": {"nested": {"nested": {"int32Value": 1}}}}', ['nested.nested.nested.int32_value']],
    ['{"nested": {"name": "n", "tags": ["a"], "text": ""}}', ['nested.name', 'nested.text', 'nested.tags']],
    ['{"nested": {"nested": null}}', ['nested.nested']],
    ['{"nested": {}, "list": [{"name": "a"}]}', ['nested', 'list']],
    [
      '{"time": "2026-01-01T00:00:00Z", "int64Wrapper": "1", "struct": {"a": {"b": 1}}}',
      ['time', 'int64_wrapper', 'struct'],
    ],
    ['{"any": {"@type": "type.googleapis.com/test.v1.Book", "title": "t"}}', ['any']],
  ])('masks the leaves of nested messages: %s', async (body, paths) => {
    const binding = { ...patch, body: 'all' };
    const { bytes = new Uint8Array() } = await ask({ target: target('UpdateAll'), binding, body, reply: {} });
    const { input } = descOf('UpdateAll');
    expect(fromBinary(input, bytes)).toMatchObject({ updateMask: { paths } });
  });

  it('refuses a body whose mask is far longer than itself', async () => {
    const nested = (levels: number): string =>
      levels === 0 ? '{"name": "", "maybe": 1}' : `{"nested": ${nested(levels - 1)}, ${LEAVES}}`;
    const LEAVES =
      '"name": "", "text": "", "maybe": 1, "boolValue": true, "doubleValue": 1, "tags": [], "colors": [], "times": []';
    const request = {
      target: target('UpdateAll'),
      binding: { ...patch, body: 'all' },
      reply: {},
      maxMessageBytes: 20_000,
    };
    expect((await ask({ ...request, body: nested(40) })).status).toBe(200);
    expect(await ask({ ...request, body: nested(60) })).toMatchObject({
      status: 400,
      json: { code: 3 },
      seen: undefined,
    });
  });

  it.each([
    ['updateMask=pageCount', ['page_count']],
    ['update_mask=page_count,createTime', ['page_count', 'create_time']],
    ['updateMask=line1,end_', ['line_1', 'end_']],
    ['updateMask=line_1,end', ['line_1', 'end_']],
    ['updateMask=*', ['*']],
    ['updateMask=createTime.seconds', ['create_time.seconds']],
    ['updateMask=', []],
  ])('has a mask in the query by either name of a field: %s', async (query, paths) => {
    const { bytes = new Uint8Array() } = await update('{"title": "t"}', query);
    expect(fromBinary(descOf('UpdateBook').input, bytes)).toMatchObject({ updateMask: { paths } });
  });

  it.each([
    ['updateMask=nope', 'names "nope", which is not a field of test.v1.Book; it has name, title, '],
    ['updateMask=titel', 'Did you mean "title"?'],
    ['updateMask=title.x', 'names "title.x"'],
    ['updateMask=title,,name', 'names ""'],
  ])('refuses a mask of what its contract lacks: %s', async (query, reason) => {
    const { status, json } = await update('{"title": "t"}', query);
    expect([status, Object(json).message]).toEqual([400, expect.stringContaining(reason)]);
  });

  it.each([false, true])(
    'implies a mask of names that JSON can not tell apart, with int64_as_number: %s',
    async (int64AsNumber) => {
      const body = '{"line_1": "a", "end_": "b"}';
      const variables = { 'book.name': 'books/1' };
      const of = { target: target('UpdateBook', { int64AsNumber }), binding: patch, body, variables, reply: {} };
      for (const query of ['', 'updateMask=line_1,end_']) {
        const { bytes = new Uint8Array(), status } = await ask({ ...of, query });
        expect(fromBinary(descOf('UpdateBook').input, bytes)).toMatchObject({
          updateMask: { paths: ['line_1', 'end_'] },
        });
        expect(status).toBe(200);
      }
    },
  );
});

describe('conditions', () => {
  const book = {
    target: target('GetBook'),
    binding: binding('GET /v1/{name=books/*}'),
    variables: { name: 'books/1' },
  };
  const stored = { name: 'books/1', etag: '"7"' };

  it('answers with the ETag, and with 304 if the client has the reply', async () => {
    expect(await ask({ ...book, reply: stored })).toMatchObject({ status: 200, headers: { etag: '"7"' } });
    const headers = { 'if-none-match': '"6", W/"7"' };
    expect(await ask({ ...book, reply: stored, headers })).toMatchObject({
      status: 304,
      text: '',
      headers: { etag: '"7"' },
    });
    expect(await ask({ ...book, reply: stored, headers: { 'if-none-match': '"6"' } })).toMatchObject({ status: 200 });
  });

  const remove = {
    target: target('DeleteBook'),
    binding: binding('DELETE /v1/{name=books/*}'),
    variables: { name: 'books/1' },
    reply: {},
  };
  const patch = {
    target: target('UpdateBook'),
    binding: binding('PATCH /v1/{book.name=books/*}', 'book'),
    variables: { 'book.name': 'books/1' },
    reply: {},
  };

  it('fills the etag with If-Match', async () => {
    expect(await ask({ ...remove, headers: { 'if-match': '"7"' } })).toMatchObject({ seen: { etag: '"7"' } });
    expect((await ask({ ...remove, headers: { 'if-match': '*' } })).seen).toEqual({ name: 'books/1' });
    expect(await ask({ ...patch, headers: { 'if-match': '"7"' }, body: '{"title": "t"}' })).toMatchObject({
      seen: { book: { etag: '"7"' }, updateMask: 'title' },
    });
  });

  it.each(['"1", "2"', 'W/"1"', '1'])('refuses If-Match: %s', async (tag) => {
    expect(await ask({ ...remove, headers: { 'if-match': tag } })).toMatchObject({ status: 400 });
  });

  it('refuses If-Match for a method without an etag, and next to another etag', async () => {
    expect(await ask({ ...book, headers: { 'if-match': '"7"' } })).toMatchObject({ status: 400 });
    expect(await ask({ ...remove, headers: { 'if-match': '"7"' }, query: 'etag="8"' })).toMatchObject({ status: 400 });
  });

  it('answers ABORTED with 412 after If-Match, with 409 otherwise', async () => {
    const reply = new RpcError(Status.ABORTED, 'stale');
    expect(await ask({ ...remove, reply, headers: { 'if-match': '"7"' } })).toMatchObject({ status: 412 });
    expect(await ask({ ...remove, reply })).toMatchObject({ status: 409, json: { code: 10, message: 'stale' } });
  });

  const create = { target: target('CreateBook'), binding: binding('POST /v1/books', 'book'), body: '{}', reply: {} };

  it('fills request_id with Idempotency-Key', async () => {
    const headers = { 'idempotency-key': '"k"' };
    expect(await ask({ ...create, headers })).toMatchObject({ seen: { requestId: 'k' } });
    expect(await ask({ ...create, headers, query: 'requestId=k' })).toMatchObject({ status: 200 });
    expect(await ask({ ...create, headers, query: 'requestId=l' })).toMatchObject({ status: 400 });
  });

  it('fills the field that the contract names for keys, and none if they are metadata', async () => {
    const headers = { 'idempotency-key': 'k' };
    const importBook = { target: target('ImportBook'), binding: binding('POST /v1/books:import', 'book'), body: '{}' };
    expect(await ask({ ...importBook, reply: {}, headers })).toMatchObject({ seen: { importKey: 'k' } });
    const sendBook = { target: target('SendBook'), binding: binding('POST /v1/books:send', '*'), body: '{}' };
    expect(await ask({ ...sendBook, reply: {}, headers })).toMatchObject({ status: 200 });
  });

  it('refuses Idempotency-Key if it would have no effect on a method that must not be repeated', async () => {
    const headers = { 'idempotency-key': 'k' };
    expect(await ask({ ...patch, headers, body: '{}' })).toMatchObject({ status: 400 });
    expect(await ask({ ...remove, headers })).toMatchObject({ status: 200 });
  });
});

describe('a deadline', () => {
  it.each([
    [{ 'grpc-timeout': '1500m' }, 1500],
    [{ 'grpc-timeout': '2S', 'connect-timeout-ms': '1' }, 2000],
    [{ 'connect-timeout-ms': '250' }, 250],
    [{}, undefined],
  ])('is read from %j', async (headers, timeoutMs) => {
    expect(await ask({ ...echo, headers })).toMatchObject({ status: 200, timeoutMs });
  });

  it.each([{ 'grpc-timeout': '1.5S' }, { 'grpc-timeout': '123456789m' }, { 'connect-timeout-ms': '-1' }])(
    '%j is refused',
    async (headers) => {
      expect(await ask({ ...echo, headers })).toMatchObject({ status: 400, seen: undefined });
    },
  );
});

describe('an error', () => {
  it('is a google.rpc.Status, with details of unknown types in base64', async () => {
    const reply = new RpcError(Status.NOT_FOUND, 'no book', {
      details: [{ typeUrl: 'x/no.Such', value: Buffer.from([1]) }],
    });
    expect(await ask({ ...echo, reply })).toMatchObject({
      status: 404,
      json: { code: 5, message: 'no book', details: [{ '@type': 'x/no.Such', value: 'AQ==' }] },
    });
  });

  it.each([
    ['bytes that are no message', 'test.v1.All', [0xff]],
    ['a value without JSON', 'google.protobuf.Duration', [8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
  ])('has a detail of a known type in base64 if it holds %s', async (_what, type, bytes) => {
    const value = Buffer.from(bytes);
    const reply = new RpcError(Status.NOT_FOUND, 'no book', { details: [{ typeUrl: `x/${type}`, value }] });
    expect(await ask({ ...echo, reply })).toMatchObject({
      status: 404,
      json: { details: [{ '@type': `x/${type}`, value: value.toString('base64') }] },
    });
  });

  it('has its metadata in headers, as a reply has', async () => {
    const [header, metadata] = [new Metadata({ 'x-h': 'h' }), new Metadata({ 'x-t': 't', 'rondo-served-by': 'a-1' })];
    const { headers } = await ask({ ...echo, reply: new RpcError(Status.NOT_FOUND, 'no book', { header, metadata }) });
    expect(headers).toMatchObject({ 'x-h': 'h', 'x-t': 't' });
    expect(headers['rondo-served-by']).toBeUndefined();
  });

  it('says when to try again', async () => {
    const reply = new RpcError(Status.UNAVAILABLE, 'no instance');
    expect(await ask({ ...echo, reply })).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
  });
});
