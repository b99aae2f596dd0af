/** A server that registers nowhere and has no health service, as one in another language: it listens at PORT, and says what it gets. */
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { createRouter, implement, serve } from '@rondo/rpc/server';

const calculator = implement(CalculatorDefinition, { add: ({ a, b }) => ({ result: a + b }) });
const server = await serve(createRouter({ services: [calculator] }), { listen: `127.0.0.1:${process.env.PORT}` });
console.log(`pid ${process.pid} at ${server.address}`);
process.on('SIGHUP', () => console.log('got SIGHUP'));
process.on('SIGTERM', async () => {
  console.log('got SIGTERM');
  await server.drain(5_000);
  process.exit(3);
});
