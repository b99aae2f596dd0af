import { create, toBinary } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import { expect, it } from '@jest/globals';
import { target, types } from '../../test/http-json/contract.js';
import { replyEncoder } from './codec.js';

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
