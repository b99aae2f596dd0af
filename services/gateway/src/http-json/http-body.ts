import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import type { HttpBinding } from '@rondo/schema/http';
import { isObject } from './query.js';

/** Bytes with their content type, instead of JSON. */
export interface RawBody {
  readonly contentType: string;
  readonly data: Uint8Array;
}

const TYPE = 'google.api.HttpBody';

/** The policy of answers whose type a service chooses. To a browser they are of no origin, and run no script: the console has the same address. */
export const SANDBOX = { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox" } as const;

/** What HTTP can carry as a content type. A service may have it from another client. */
const CONTENT_TYPE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Whether the body of a request is the data of a `google.api.HttpBody`. */
export function takesRawBody(input: DescMessage, { body }: HttpBinding): boolean {
  if (body === '*') return input.typeName === TYPE;
  return input.fields.some(({ name, message }) => name === body && message?.typeName === TYPE);
}

/** The JSON of the `google.api.HttpBody` that a body stands for. */
export const rawBodyJson = (contentType: string, data: Buffer): string =>
  JSON.stringify({ contentType, data: data.toString('base64') } satisfies JsonValue);

/** Whether the body of a reply is the data of a `google.api.HttpBody`. */
export function givesRawBody(output: DescMessage, { responseBody }: HttpBinding): boolean {
  if (responseBody === '') return output.typeName === TYPE;
  return output.fields.some(({ name, message }) => name === responseBody && message?.typeName === TYPE);
}

/** The raw body of a reply's JSON, of which {@link givesRawBody} is true. */
export function rawBodyOf(json: JsonValue): RawBody {
  const { contentType, data } = isObject(json) ? json : {};
  return {
    contentType:
      typeof contentType === 'string' && CONTENT_TYPE.test(contentType) ? contentType : 'application/octet-stream',
    data: Buffer.from(typeof data === 'string' ? data : '', 'base64'),
  };
}
