// A server of plain grpc-js, as a worker.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { answerParent } from '@rondo/harness';
import { servePlain } from '../plain/server.mjs';
import { CALLS } from './contract.mjs';

const handlers = Object.fromEntries(
  Object.values(CALLS).map(({ method, answer }) => [method, ({ request }, respond) => respond(null, answer(request))]),
);

answerParent({
  /** Serves; gives the address. */
  serve: async () => `127.0.0.1:${await servePlain(CalculatorServiceDefinition, handlers)}`,
});
