import { gunzipSync } from 'node:zlib';
import { expect, it } from '@jest/globals';
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

it('compresses what is large enough, for clients that accept it', async () => {
  const large = Buffer.alloc(1_024, 'a');
  const { body, encoding } = await compress(large, 'gzip');
  expect(encoding).toBe('gzip');
  expect(gunzipSync(body)).toEqual(large);
  expect(await compress(large, 'br')).toEqual({ body: large, encoding: undefined });
  const small = Buffer.alloc(1_023, 'a');
  expect(await compress(small, 'gzip')).toEqual({ body: small, encoding: undefined });
});

it('adds to the Vary that CORS has set', () => {
  const { exchange } = fakeExchange({});
  expect(varyByEncoding(exchange)).toBe('accept-encoding');
  exchange.answerHeaders['vary'] = 'Origin';
  expect(varyByEncoding(exchange)).toBe('Origin, accept-encoding');
});
