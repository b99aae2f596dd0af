/**
 * The cases for JSON of protobuf's conformance suite, through the gateway. They were recorded with the answers that the
 * suite's own runner has accepted, but for those in `json-conformance/failing.txt`.
 */

import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { JsonObject } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Answer, startAnswering } from './json-conformance/answer.js';
import { closeAll } from './support/listening.js';

const recorded = gunzipSync(readFileSync(new URL('json-conformance/cases.json.gz', import.meta.url)));
const cases: readonly (readonly [request: JsonObject, response: JsonObject])[] = JSON.parse(String(recorded));

let answer: Answer;
beforeAll(async () => {
  answer = await startAnswering();
});
afterAll(closeAll);

describe("protobuf's conformance cases for JSON", () => {
  it.each(['Proto3', 'Proto2'])('are answered as the suite has accepted: TestAllTypes%s', async (name) => {
    const own = cases.filter(([{ messageType }]) => String(messageType).endsWith(name));
    expect(own.length).toBeGreaterThan(250);
    const differing = [];
    for (const [request, response] of own) {
      const answered = await answer(request);
      if (!sameAnswer(answered, response)) differing.push({ request, answered, response });
    }
    expect(differing).toEqual([]);
  });
});

/** JSON may be written differently, as long as it says the same. */
function sameAnswer(answered: JsonObject, response: JsonObject): boolean {
  const parsed = ({ jsonPayload, ...rest }: JsonObject) =>
    JSON.stringify([rest, jsonPayload === undefined ? undefined : JSON.parse(String(jsonPayload))]);
  return parsed(answered) === parsed(response);
}
