// A server of plain grpc-js with one method of calculator's contract, as a process of its own. Its port is in LISTEN_PORT.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { servePlain } from '../plain/server.mjs';

const add = ({ request }, respond) => respond(null, { result: request.a + request.b });
await servePlain(CalculatorServiceDefinition, { add }, process.env.LISTEN_PORT);
// It ends with the process that started it.
process.on('disconnect', () => process.exit(0));
