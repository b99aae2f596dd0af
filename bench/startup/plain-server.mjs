// A server of plain grpc-js with one method of calculator's contract, as a process of its own. Its port is in LISTEN_PORT.
import * as grpc from '@grpc/grpc-js';
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';

const { requestType, responseType } = CalculatorServiceDefinition.methods.add;
const add = {
  path: '/calculator.v1.CalculatorService/Add',
  requestStream: false,
  responseStream: false,
  requestSerialize: (message) => Buffer.from(requestType.encode(message).finish()),
  requestDeserialize: (bytes) => requestType.decode(bytes),
  responseSerialize: (message) => Buffer.from(responseType.encode(message).finish()),
  responseDeserialize: (bytes) => responseType.decode(bytes),
};
const server = new grpc.Server();
server.addService({ add }, { add: ({ request }, respond) => respond(null, { result: request.a + request.b }) });
server.bindAsync(`127.0.0.1:${process.env.LISTEN_PORT}`, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
});
// It ends with the process that started it.
process.on('disconnect', () => process.exit(0));
