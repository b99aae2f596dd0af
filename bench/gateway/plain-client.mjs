// A client of plain grpc-js, as a worker.
import * as grpc from '@grpc/grpc-js';
import { answerParent } from '@rondo/harness';
import { CALLS } from './contract.mjs';
import { inLanes } from './lanes.mjs';

const clients = new Map();

answerParent({
  /** Calls an address for some seconds, in lanes of one call after another. Gives the number of calls. */
  call({ address, name, lanes, seconds }) {
    const client = clients.get(address) ?? new grpc.Client(address, grpc.credentials.createInsecure());
    clients.set(address, client);
    return inLanes({ lanes, seconds }, () => callOnce(client, CALLS[name]));
  },
});

function callOnce(client, { path, encodeRequest, decodeReply, request, isRight }) {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, encodeRequest, decodeReply, request, (error, reply) => {
      if (error === null && isRight(reply)) resolve();
      else reject(error ?? new Error(`a wrong reply to ${path}`));
    });
  });
}
