import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { ask } from '../../test/http-json/ask.js';
import { binding, target, types } from '../../test/http-json/contract.js';
import { replyEncoder } from './codec.js';

it.each([
  ['a field of a Struct', [0x0a, 5, 0x0a, 1, 0x61, 0x12, 0]],
  ['an entry without a value', [0x0a, 3, 0x0a, 1, 0x61]],
  ['an element of a list', [0x0a, 9, 0x0a, 1, 0x61, 0x12, 4, 0x32, 2, 0x0a, 0]],
])('names a Value without a kind, which is %s, by its field', async (_what, struct) => {
  const replyBytes = Buffer.from([0x92, 0x01, struct.length, ...struct]);
  const text = /struct\.fields.* of the reply, a test\.v1\.All, has no JSON: google\.protobuf\.Value must have a value/;
  expect(() => replyEncoder(target('EchoAll'), 'json', undefined)(replyBytes)).toThrow(text);
  const http = await ask({ target: target('EchoAll'), binding: binding('POST /v1/all', '*'), body: '{}', replyBytes });
  expect(http).toMatchObject({ status: 500, text: expect.stringMatching(text) });
});

it('writes an Any of an unknown type as its type and its bytes', () => {
  const echo = target('EchoAll');
  const any: Any = create(AnySchema, { typeUrl: 'type.googleapis.com/x.Unknown', value: new Uint8Array([1, 2]) });
  const holder = types.getMessage('test.v1.All');
  if (holder === undefined) throw new Error('no All');
  const reply = toBinary(holder, Object.assign(create(holder), { any }));
  expect(JSON.parse(String(replyEncoder(echo, 'json', undefined)(reply)))).toEqual({
    any: { '@type': 'type.googleapis.com/x.Unknown', value: 'AQI=' },
  });
});
