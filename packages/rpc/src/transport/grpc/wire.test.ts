import * as grpc from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { Status } from '../../status/code.js';
import { toError } from './wire.js';

const failed = { path: '/rondo.conformance.v1.AdderService/Add', connected: true, expired: false };
const header = () => {
  const metadata = new grpc.Metadata();
  metadata.set('content-type', 'application/grpc+proto');
  return metadata;
};
const status = (code: number, details: string) => ({ code, details, metadata: new grpc.Metadata() });

describe('a status that grpc-js made', () => {
  it.each([404, 405, 415, 421])('of HTTP status %i means that no handler has seen the call', (code) => {
    const made = status(Status.UNIMPLEMENTED, `Received HTTP status code ${code}`);
    expect(toError(made, { ...failed, header: undefined })).toMatchObject({ reach: 'never', foreign: true });
  });

  it('of another HTTP status leaves open how far the call got', () => {
    const made = status(Status.UNAVAILABLE, 'Received HTTP status code 502');
    expect(toError(made, { ...failed, header: undefined })).toMatchObject({ reach: 'unknown', foreign: true });
  });

  it.each([
    [Status.CANCELLED, 'Call cancelled'],
    [Status.INTERNAL, 'Received RST_STREAM with code 2'],
    [Status.PERMISSION_DENIED, 'Protocol not secure enough'],
    [Status.RESOURCE_EXHAUSTED, 'Bandwidth exhausted or memory limit exceeded'],
  ])('of a reset (%i, %s) is no answer, although a header came', (code, details) => {
    expect(toError(status(code, details), { ...failed, header: header() })).toMatchObject({ reach: 'unknown' });
  });

  it.each([17, 1024, -1, Number.NaN])('keeps the number of a status that gRPC does not have: %d', (code) => {
    const text = `(the server sent the status ${code}, which gRPC doesn't have)`;
    for (const details of ['as asked', '']) {
      const error = toError(status(code, details), { ...failed, header: header() });
      expect(error).toMatchObject({ code: Status.UNKNOWN, message: `${details} ${text}`.trim() });
    }
  });

  it('is the answer if a header came and the connection is ready', () => {
    const error = toError(status(Status.INTERNAL, 'the sum is too large'), { ...failed, header: header() });
    expect(error).not.toHaveProperty('reach');
    expect(error).toMatchObject({ code: Status.INTERNAL, message: expect.stringContaining('the sum is too large') });
  });
});
