import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { isWrapperDesc } from '@bufbuild/protobuf/wkt';
import type { Schema } from './model.js';

/**
 * The schemas of messages that have a form of their own in JSON. A wrapper has that of its value, or null.
 *
 * Source: https://protobuf.dev/programming-guides/json/
 */
const WELL_KNOWN: Readonly<Record<string, Schema>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time' },
  'google.protobuf.Duration': {
    type: 'string',
    pattern: String.raw`^-?\d+(\.\d{1,9})?s$`,
    description: 'Seconds, such as `1.5s`.',
    examples: ['1.5s'],
  },
  'google.protobuf.FieldMask': {
    type: 'string',
    description: 'Names of fields in lowerCamelCase, separated by commas.',
  },
  'google.protobuf.Struct': { type: 'object', additionalProperties: true },
  'google.protobuf.ListValue': { type: 'array', items: {} },
  'google.protobuf.Value': { description: 'Any JSON value.' },
  'google.protobuf.Empty': { type: 'object' },
};

/** The schema of `google.protobuf.Any`. */
export const ANY_SCHEMA: Schema = {
  type: 'object',
  description: 'A message of the type that `@type` names. Its fields stand next to `@type`.',
  properties: { '@type': { type: 'string', description: 'Such as `type.googleapis.com/google.rpc.BadRequest`.' } },
  required: ['@type'],
  additionalProperties: true,
};

/** The schema of a message with a form of its own; undefined if its form follows from its fields. */
export const wellKnownSchema = ({ typeName }: DescMessage): Schema | undefined =>
  Object.hasOwn(WELL_KNOWN, typeName) ? WELL_KNOWN[typeName] : undefined;

/** The one field whose JSON is that of the whole message; undefined for a message that is no wrapper. */
export const wrappedField = (desc: DescMessage): DescField | undefined =>
  isWrapperDesc(desc) ? desc.fields[0] : undefined;

/** Comments on Google's common types, whose files are served without them. By type, or type and field. */
const COMMON: Readonly<Record<string, string>> = {
  'google.type.Date': 'A date. The time of day and the time zone are given elsewhere, or don’t matter.',
  'google.type.Date.year': '1 to 9999; 0 for a date without a year.',
  'google.type.Date.month': '1 to 12; 0 for a year without a month and day.',
  'google.type.Date.day': '1 to 31, as the month has; 0 for a year, or a year and month, without a day.',
  'google.type.Decimal': 'A decimal number of any precision.',
  'google.type.Decimal.value': 'In digits, such as `-12.50` or `2.5e8`.',
  'google.type.Money': 'An amount of money with its currency.',
  'google.type.Money.currency_code': 'The three letters of ISO 4217, such as `EUR`.',
  'google.type.Money.units': 'The whole units of the amount. `1` of `EUR` is one euro.',
  'google.type.Money.nanos': 'The billionths of a unit, with the sign of `units`: -999,999,999 to 999,999,999.',
};

/** The comment on one of Google's common types, or on a field of it. */
export const commonComment = (name: string): string | undefined =>
  Object.hasOwn(COMMON, name) ? COMMON[name] : undefined;

/** The error of HTTP/JSON. The gateway always writes all fields. */
export const statusSchema = (any: Schema): Schema => ({
  type: 'object',
  description: 'An error, as google.rpc.Status.',
  properties: {
    code: { type: 'integer', format: 'int32', description: 'A value of google.rpc.Code, such as 5 for NOT_FOUND.' },
    message: { type: 'string', description: 'What is wrong, in English.' },
    details: {
      type: 'array',
      items: any,
      description: 'More for programs, such as a `google.rpc.BadRequest` with the fields that are wrong.',
    },
  },
  required: ['code', 'message', 'details'],
});

/** The error of a call by Connect. Source: https://connectrpc.com/docs/protocol#error-end-stream */
export const CONNECT_ERROR_SCHEMA: Schema = {
  type: 'object',
  description: 'An error of a call by Connect.',
  properties: {
    code: { type: 'string', description: 'The gRPC status in lower case, such as `not_found`.' },
    message: { type: 'string', description: 'What is wrong, in English.' },
    details: {
      type: 'array',
      description: 'More for programs.',
      items: {
        type: 'object',
        properties: {
          type: { type: 'string', description: 'The full name of a message, such as `google.rpc.BadRequest`.' },
          value: { type: 'string', contentEncoding: 'base64', description: 'The encoded message.' },
          debug: { description: 'The message as JSON.' },
        },
        required: ['type', 'value'],
      },
    },
  },
  required: ['code'],
};
