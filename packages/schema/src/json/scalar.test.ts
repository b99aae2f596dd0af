import { ScalarType } from '@bufbuild/protobuf';
import { expect, it } from '@jest/globals';
import { readScalar } from './scalar.js';

const read = (text: string) => readScalar(ScalarType.BYTES, text);

it.each(['', 'AQ==', 'AQI=', 'AQID', 'AQIDBA==', '+/+/', '-_-_', 'AQ', 'AQI', 'AQ==\r\n\r\n', 'AQID\r\n\r\nBA=='])(
  'base64 is read, padded or not, of one of the two alphabets: %j',
  (text) => {
    expect(read(text)).toEqual({ ok: true, value: Buffer.from(text, 'base64') });
  },
);

// The decoder leaves out what it doesn't know, and knows only the lower byte of a character, that of A in ŁAAA.
it.each(['A', 'A===', '====', 'AQ=', 'AQ==AQID', 'AQ=A', '+_+_', 'AQI.', 'AQ\0=', 'ŁAAA', 'ŁŁŁŁ', 'AQID BA='])(
  'other text is refused: %j',
  (text) => {
    expect(read(text)).toMatchObject({ ok: false });
  },
);
