// A server of plain grpc-js, as a worker.
import * as grpc from '@grpc/grpc-js';
import { answerParent } from '@rondo/harness';
import { CALLS } from './contract.mjs';

answerParent({
  /** Serves; gives the address. */
  serve() {
    const server = new grpc.Server();
    for (const { path, answer, decodeRequest, decodeReply, encodeRequest, encodeReply } of Object.values(CALLS)) {
      const method = {
        path,
        requestStream: false,
        responseStream: false,
        requestSerialize: encodeRequest,
        requestDeserialize: decodeRequest,
        responseSerialize: encodeReply,
        responseDeserialize: decodeReply,
      };
      server.addService({ method }, { method: ({ request }, respond) => respond(null, answer(request)) });
    }
    return new Promise((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error === null) resolve(`127.0.0.1:${port}`);
        else reject(error);
      });
    });
  },
});
