import type { Registry } from '@bufbuild/protobuf';
import type { RpcError } from '@rondo/rpc/status';
import { decodeDetail } from './detail.js';
import { createPaint, type Paint, printable, type Terminal } from './terminal/index.js';

/** A failed call for people: the status, its details, and where it was tried. */
function formatFailure(error: RpcError, paint: Paint, registry?: Registry): string {
  const { codeName, message, details, report, metadata } = error;
  const servedBy = metadata.get('rondo-served-by');
  const tried = report?.attempts ?? [];
  const attempts = tried.length < 2 && servedBy !== undefined ? [] : tried;
  return [
    `${paint('red', `rondo: ${codeName}`)}: ${printable(message)}`,
    // What was found here, before any call, stands in the message.
    ...(report === undefined ? [] : details).map((detail) => {
      const { type, value } = decodeDetail(detail, registry);
      return `  ${type.slice(type.lastIndexOf('.') + 1)} ${printable(JSON.stringify(value))}`;
    }),
    ...(servedBy === undefined ? [] : [`  served by ${printable(servedBy)}`]),
    ...attempts.map(({ instance, address, code, elapsedMs }) => {
      const at = instance === address ? address : `${instance} (${address})`;
      return `  tried ${printable(at)}: ${code} after ${elapsedMs.toFixed(1)} ms`;
    }),
    '',
  ].join('\n');
}

/** A failed call as one JSON line. */
function failureToJson(error: RpcError, registry?: Registry): string {
  const { codeName, message, details, report, metadata } = error;
  const servedBy = metadata.get('rondo-served-by');
  return JSON.stringify({
    error: {
      code: codeName,
      message,
      details: details.map((detail) => {
        const { type, value } = decodeDetail(detail, registry);
        return { type, value };
      }),
      ...(servedBy === undefined ? {} : { instance: servedBy }),
      ...(report === undefined ? {} : { method: report.method, attempts: report.attempts }),
    },
  });
}

/** How a failure is told. */
export interface FailureOptions {
  readonly stderr: Terminal;
  readonly json: boolean;
  /** The types of the service that was called. */
  readonly registry?: Registry;
}

/** Tells a failed call on standard error: for people, or as one JSON line. */
export async function writeFailure(error: RpcError, { stderr, json, registry }: FailureOptions): Promise<void> {
  await stderr.write(
    json ? `${failureToJson(error, registry)}\n` : formatFailure(error, createPaint(stderr.color), registry),
  );
}
