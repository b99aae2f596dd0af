import { expect, it } from '@jest/globals';
import { ConformanceServiceDefinition } from '@rondo/contracts/rondo/conformance/v1/conformance';
import { failure } from '../../test/support/outcome.js';
import { createClient } from '../client/create-client.js';
import { Status } from '../status/code.js';
import { createTestChannel, standIn } from './test-channel.js';

it('a stand-in serves the handlers of a test, and answers UNIMPLEMENTED for other methods', async () => {
  const service = standIn(ConformanceServiceDefinition, { unary: ({ text }) => ({ text: `${text}!` }) });
  const channel = createTestChannel({ services: [service] });
  const client = createClient(ConformanceServiceDefinition, { channel });
  expect(await client.unary({ text: 'hello' })).toMatchObject({ text: 'hello!' });
  const refused = await failure(client.unaryUnsafe({}));
  expect(refused.code).toBe(Status.UNIMPLEMENTED);
  expect(refused.message).toContain('the stand-in for rondo.conformance.v1.ConformanceService');
  channel.close();
});

it('an error leads to what the handler threw', async () => {
  const thrown = new TypeError('no such room');
  const unary = () => Promise.reject(thrown);
  const channel = createTestChannel({ services: [standIn(ConformanceServiceDefinition, { unary })] });
  const { cause } = await failure(createClient(ConformanceServiceDefinition, { channel }).unary({}));
  expect(cause).toMatchObject({ cause: thrown });
  channel.close();
});
