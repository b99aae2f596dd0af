import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { fakeExchange } from '../../test/http-json/exchange.js';
import { acceptsGzip, compress, varyByEncoding } from './compress.js';

it.each(['gzip', 'br, gzip', 'GZIP;q=0.1', '*', 'br;q=1, *;q=0.1', 'x-gzip'])('%s accepts gzip', (accepted) => {
  expect(acceptsGzip(accepted)).toBe(true);
});

it.each([undefined, '', 'br', 'identity', 'gzip;q=0', 'gzip; q=0.0, *', 'gzip;q=many'])(
  '%s refuses gzip',
  (accepted) => {
    expect(acceptsGzip(accepted)).toBe(false);
  },
);

describe('the body of an answer', () => {
  const large = Buffer.alloc(1_024, 'a');
  const answer = async (body: Buffer, accepted: string, headers: OutgoingHttpHeaders = {}) => {
    const { exchange } = fakeExchange({ headers: { 'accept-encoding': accepted } });
    return { body: await compress(body, exchange, headers), headers };
  };

  it('keeps the encoding that its handler gave it', async () => {
    const { body, headers } = await answer(large, 'gzip', { 'content-encoding': 'br' });
    expect([body, headers]).toEqual([large, { 'content-encoding': 'br', vary: 'accept-encoding' }]);
  });

  it('depends on what the handler and CORS say, too', () => {
    const { exchange } = fakeExchange({});
    exchange.answerHeaders['vary'] = 'Origin';
    const headers = { vary: 'accept-language' };
    varyByEncoding(exchange, headers);
    expect(headers.vary).toBe('Origin, accept-language, accept-encoding');
  });
});
