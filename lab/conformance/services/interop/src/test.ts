import { setTimeout as sleep } from 'node:timers/promises';
import type { EchoStatus, Payload, ResponseParameters, SimpleRequest } from '@rondo/contracts/grpc/testing/messages';
import type { TestServiceDefinition } from '@rondo/contracts/grpc/testing/test';
import type { ServerCall } from '@rondo/rpc/call';
import { type Handlers, unimplemented } from '@rondo/rpc/server';
import { RpcError, statusFromCode } from '@rondo/rpc/status';

/**
 * `grpc.testing.TestService`, by grpc's description of its interop cases.
 *
 * Source: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md
 */
export const test: Handlers<typeof TestServiceDefinition> = {
  emptyCall: () => ({}),
  unaryCall: answer,
  cacheableUnaryCall: answer,
  streamingOutputCall: ({ responseParameters }) => outputs(responseParameters),
  async streamingInputCall(requests) {
    let aggregatedPayloadSize = 0;
    for await (const { payload } of requests) aggregatedPayloadSize += payload?.body.length ?? 0;
    return { aggregatedPayloadSize };
  },
  async *fullDuplexCall(requests, call) {
    echoMetadata(call);
    for await (const { responseParameters, responseStatus } of requests) {
      failAs(responseStatus);
      yield* outputs(responseParameters);
    }
  },
  async *halfDuplexCall(requests) {
    const wanted: ResponseParameters[] = [];
    for await (const { responseParameters } of requests) wanted.push(...responseParameters);
    yield* outputs(wanted);
  },
  unimplementedCall: unimplemented('services/interop/src/test.ts'),
};

function answer({ responseSize, responseStatus }: SimpleRequest, call: ServerCall) {
  echoMetadata(call);
  failAs(responseStatus);
  return { payload: payloadOf(responseSize) };
}

async function* outputs(wanted: readonly ResponseParameters[]) {
  for (const { size, intervalUs } of wanted) {
    await sleep(intervalUs / 1_000);
    yield { payload: payloadOf(size) };
  }
}

function payloadOf(size: number): Payload {
  return { type: 0, body: Buffer.alloc(size) };
}

function failAs(status: EchoStatus | undefined): void {
  if (status !== undefined && status.code !== 0) throw new RpcError(statusFromCode(status.code), status.message);
}

const ECHO_INITIAL = 'x-grpc-test-echo-initial';
const ECHO_TRAILING = 'x-grpc-test-echo-trailing-bin';

function echoMetadata({ metadata, header, trailer }: ServerCall): void {
  for (const value of metadata.getAll(ECHO_INITIAL)) header.append(ECHO_INITIAL, value);
  for (const value of metadata.getAll(ECHO_TRAILING)) trailer.append(ECHO_TRAILING, value);
}
