import { numbered, pathOf, solid } from '../attacks/frames.js';
import { type BadRequest, request } from './request.js';

const paths = ['/', '//', '/*', '/a.B/C', pathOf('Missing'), pathOf('unary'), pathOf('Unary/'), pathOf('Unary?a=b')];
const keys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
const methods = ['GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'];

const pairs = (count: number, value: string) => Object.fromEntries(numbered(count, value));

/** Requests whose headers aren't valid for gRPC. */
export const headers: readonly BadRequest[] = [
  ...paths.map((path) => request(`the path "${path}"`, 'UNIMPLEMENTED', { headers: { ':path': path } })),
  ...['*', 'x', ''].map((path) => request(`the path "${path}"`, 'RST_STREAM 1', { headers: { ':path': path } })),
  ...keys.map((key) => request(`the method ${key}`, 'UNIMPLEMENTED', { method: key })),
  request('a path of 10 KiB', 'UNIMPLEMENTED', { headers: { ':path': `/${'x/'.repeat(5_000)}` } }),
  ...methods.flatMap((method) => [
    request(`the method ${method}`, 'HTTP 405', { headers: { ':method': method } }),
    request(`the method ${method} for a stream`, 'HTTP 405', {
      method: 'ClientStream',
      headers: { ':method': method },
    }),
  ]),
  request('no te', 'OK', { headers: { te: undefined } }),
  request('no content type', 'HTTP 415', { headers: { 'content-type': undefined } }),
  ...['text/plain', 'application/json', 'application/x-www-form-urlencoded', 'grpc', ''].map((type) =>
    request(`the content type "${type}"`, 'HTTP 415', { headers: { 'content-type': type } }),
  ),
  ...['application/grpc+json', 'application/grpc-web', 'application/grpcx'].flatMap((type) => [
    request(`the content type "${type}"`, 'HTTP 415', { headers: { 'content-type': type } }),
    request(`the content type "${type}" of a stream`, 'HTTP 415', {
      method: 'ClientStream',
      headers: { 'content-type': type },
    }),
  ]),
  ...['application/grpc', 'application/grpc+proto', 'application/grpc;x=y', 'application/grpc+proto; x=y'].map((type) =>
    request(`the content type "${type}"`, 'OK', { headers: { 'content-type': type } }),
  ),
  ...['', 'x', '1', '1s', 'S', '-1S', '1.5S', '1e3S', '999999999S', '1S,1S', '1SS', '0x1S', '+1S', '1 S'].flatMap(
    (timeout) =>
      ['Unary', 'BidiStream'].map((method) =>
        request(`${method}: grpc-timeout "${timeout}"`, 'INTERNAL', { method, headers: { 'grpc-timeout': timeout } }),
      ),
  ),
  ...['0S', '0n', '1n', '1u', '1m', '00000001m'].map((timeout) =>
    request(`grpc-timeout "${timeout}" of a stream that goes on`, 'DEADLINE_EXCEEDED', {
      method: 'BidiStream',
      headers: { 'grpc-timeout': timeout },
      open: true,
    }),
  ),
  ...['99999999H', '99999999M', '99999999S', '99999999m', '2147483S', '2147484S', '24H'].map((timeout) =>
    request(`grpc-timeout "${timeout}"`, 'OK', { headers: { 'grpc-timeout': timeout } }),
  ),
  ...['!!!', '=', 'A', 'AA=A', 'AAA==', 'AAAA,A', 'AA A'].flatMap((value) =>
    ['Unary', 'BidiStream'].map((method) =>
      request(`${method}: x-bin "${value}", which is no base64`, 'INTERNAL', { method, headers: { 'x-bin': value } }),
    ),
  ),
  ...['', ',,,', 'AA', 'AA==', 'AAA', 'AAA=, AAAA', '-_+/'].map((value) =>
    request(`x-bin "${value}"`, 'OK', { headers: { 'x-bin': value } }),
  ),
  request('details that are no protobuf', 'OK', { headers: { 'grpc-status-details-bin': '////' } }),
  request('a status in a request', 'OK', { headers: { 'grpc-status': '5', 'grpc-message': '%' } }),
  request('a trace that is none', 'OK', { headers: { traceparent: '00-x-y-z', tracestate: ',' } }),
  request('metadata of 15 KiB', 'OK', { headers: { 'x-large': solid(15_000) }, method: 'ClientStream' }),
  request('metadata of 60 KiB', 'OK', { headers: pairs(20, solid(3_000)), method: 'ClientStream' }),
  request('metadata of 70 KiB in 20 parts', 'RST_STREAM 11', { headers: pairs(20, solid(3_500)) }),
  request('metadata of 100 KiB in 20 parts', 'RST_STREAM 11', { headers: pairs(20, solid(5_000)) }),
  request('200 keys', 'RST_STREAM 11', { headers: pairs(200, 'v') }),
  // nghttp2 closes the whole connection over a field of more than 64 KiB.
  request('metadata of 100 KiB in one part', 'GOAWAY 9', { headers: { 'x-large': solid(100_000) } }),
  request('a handler that sends back 30 KiB of metadata', 'INTERNAL', { headers: { 'x-large': solid(30_000) } }),
];
