import type { OutgoingHttpHeaders } from 'node:http';
import type { JsonObject } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import { brief } from '@rondo/rpc/internal';
import { type RpcError, Status } from '@rondo/rpc/status';

/** An error as Connect writes it in JSON. Source: https://connectrpc.com/docs/protocol#error-end-stream */
export function connectErrorJson({ code, message, details }: RpcError): JsonObject {
  const error = new ConnectError(brief(message), toConnect(code));
  error.details = details.map(({ typeUrl, value }) => ({ type: typeUrl.slice(typeUrl.lastIndexOf('/') + 1), value }));
  const json = errorToJson(error, undefined);
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw new TypeError('an error is a JSON object');
  return json;
}

/** The HTTP status of a unary error. */
export function connectHttpStatus({ code }: RpcError): number {
  return codeToHttpStatus(toConnect(code));
}

/** Connect has the codes of gRPC, except for OK. */
function toConnect(code: Status): Code {
  return code === Status.OK ? Code.Unknown : code;
}

/** The last message of a stream: the error, if any, and the trailing metadata. */
export function endOfStream(error: RpcError | undefined, trailers: OutgoingHttpHeaders): Buffer {
  const metadata: Record<string, string[]> = {};
  for (const [key, value] of Object.entries(trailers)) metadata[key] = Array.isArray(value) ? value : [String(value)];
  const end = {
    ...(error && { error: connectErrorJson(error) }),
    ...(Object.keys(metadata).length > 0 && { metadata }),
  };
  return Buffer.from(JSON.stringify(end));
}
