import { describe, expect, it } from '@jest/globals';
import { Metadata } from '../../call/index.js';
import { toGrpcMetadata } from './exchange.js';

const BYTES = [Buffer.from([1]), Buffer.from([1, 2]), Buffer.from([1, 2, 3])] as const;
const BASE64 = ['AQ', 'AQI', 'AQID'];

describe('metadata of a reply', () => {
  it.each(BYTES.map((bytes, index) => [bytes.length, bytes, BASE64[index]] as const))(
    'has %i bytes without padding, also in the copy that grpc-js sends',
    (_length, bytes, base64) => {
      const metadata = toGrpcMetadata(new Metadata({ 'x-data-bin': bytes, 'x-text': 'a=' }));
      for (const sent of [metadata, metadata.clone()]) {
        expect(sent.toHttp2Headers()).toEqual({ 'x-data-bin': base64, 'x-text': 'a=' });
      }
    },
  );

  it('has several values under one key without padding', () => {
    const metadata = toGrpcMetadata(new Metadata(BYTES.map((bytes) => ['x-data-bin', bytes] as const)));
    expect(metadata.toHttp2Headers()).toEqual({ 'x-data-bin': BASE64 });
  });
});
