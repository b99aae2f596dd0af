import { fromBinary, type JsonValue, type Registry } from '@bufbuild/protobuf';
import type { Any } from '@rondo/contracts/google/protobuf/any';
import * as errorDetails from '@rondo/contracts/google/rpc/error_details';
import type { RpcError } from '@rondo/rpc/status';
import { writeSetFields } from '@rondo/schema';
import { createPaint, type Paint, type Terminal } from './terminal/terminal.js';
import { printable } from './terminal/text.js';

/** The most attempts that are printed for people: the last ones. */
const MAX_ATTEMPTS = 8;

/** A failed call for people: the status, its details, the method with the time of the call, and each attempt. */
function formatFailure(error: RpcError, paint: Paint, { registry, traceId }: FailureOptions): string {
  const { codeName, message, details, report, metadata } = error;
  const servedBy = metadata.get('rondo-served-by');
  const tried = report?.attempts ?? [];
  const count = tried.length === 1 ? '1 attempt' : `${tried.length || 'no'} attempts`;
  const shown = tried.length > MAX_ATTEMPTS ? `, the last ${MAX_ATTEMPTS} of which are` : '';
  const attempts = tried.length < 2 && servedBy !== undefined ? [] : tried.slice(-MAX_ATTEMPTS);
  return [
    `${paint('red', `rondo: ${codeName}`)}: ${printable(message)}`,
    // Without a report no call was made: rondo refused the request itself, and the message has the details.
    ...(report === undefined ? [] : details).map((detail) => {
      const { type, value } = decodeDetail(detail, registry);
      return `  ${type.slice(type.lastIndexOf('.') + 1)} ${printable(JSON.stringify(value))}`;
    }),
    ...(servedBy === undefined ? [] : [`  served by ${printable(servedBy)}`]),
    ...(report === undefined
      ? []
      : [`  ${printable(report.method)}: ${count} in ${report.elapsedMs.toFixed(1)} ms${shown}`]),
    ...attempts.map(({ instance, address, code, elapsedMs }) => {
      const at = instance === address ? address : `${instance} (${address})`;
      return `  tried ${printable(at)}: ${code} after ${elapsedMs.toFixed(1)} ms`;
    }),
    ...(report === undefined || traceId === undefined ? [] : [`  see: rondo trace ${traceId}`]),
    '',
  ].join('\n');
}

function failureToJson(error: RpcError, { registry, traceId }: FailureOptions): string {
  const { codeName, message, details, report, metadata } = error;
  const servedBy = metadata.get('rondo-served-by');
  return JSON.stringify({
    error: {
      code: codeName,
      message,
      details: details.map((detail) => decodeDetail(detail, registry)),
      ...(servedBy === undefined ? {} : { instance: servedBy }),
      ...(report === undefined
        ? {}
        : { method: report.method, elapsedMs: report.elapsedMs, attempts: report.attempts, traceId }),
    },
  });
}

interface FailureOptions {
  readonly stderr: Terminal;
  readonly json: boolean;
  /** The message types of the called service, to decode error details. */
  readonly registry?: Registry;
  readonly traceId?: string;
}

export async function writeFailure(error: RpcError, options: FailureOptions): Promise<void> {
  const { stderr, json } = options;
  const text = json ? `${failureToJson(error, options)}\n` : formatFailure(error, createPaint(stderr.color), options);
  await stderr.write(text);
}

/** The types of google.rpc, by their names. */
const standard: ReadonlyMap<string, { decode(bytes: Uint8Array): object }> = new Map(
  Object.values(errorDetails).flatMap((type) => (typeof type === 'object' ? [[type.$type, type] as const] : [])),
);

/**
 * The message and the fields of an error detail, by the contract of the called service, or as one of the types of google.rpc; the bytes in
 * base64 if the type is unknown.
 */
function decodeDetail({ typeUrl, value: bytes }: Any, registry?: Registry): { type: string; value: JsonValue } {
  const type = typeUrl.slice(typeUrl.lastIndexOf('/') + 1);
  const desc = registry?.getMessage(type);
  const raw = { type, value: Buffer.from(bytes).toString('base64') };
  try {
    if (registry !== undefined && desc !== undefined)
      return { type, value: writeSetFields(desc, fromBinary(desc, bytes), registry) };
    const message = standard.get(type)?.decode(bytes);
    return message === undefined ? raw : { type, value: plain(message) };
  } catch {
    return raw; // the bytes are of another version of the type
  }
}

/** The proto3 JSON form of a message: 64-bit integers are strings, and empty fields are left out. */
function plain(message: object): JsonValue {
  return JSON.parse(
    JSON.stringify(message, (_key, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      const isEmpty = value === '' || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
      return isEmpty ? undefined : value;
    }),
  );
}
