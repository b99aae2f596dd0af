// A client of plain grpc-js, as a worker.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { answerParent } from '@rondo/harness';
import { connectPlain, unaryOf } from '../plain/client.mjs';
import { CALLS } from './contract.mjs';
import { inLanes } from './lanes.mjs';

const clients = new Map();

answerParent({
  /** Calls an address for some seconds, in lanes of one call after another. Gives the number of calls. */
  call({ address, name, lanes, seconds }) {
    const client = clients.get(address) ?? connectPlain(CalculatorServiceDefinition, address);
    clients.set(address, client);
    return inLanes({ lanes, seconds }, () => callOnce(client, CALLS[name]));
  },
});

async function callOnce(client, { method, request, isRight }) {
  if (!isRight(await unaryOf(client, method)(request))) throw new Error(`a wrong reply to ${method}`);
}
