/** A server of calculator.Calculator whose sums tell which server answered: NUMBER + a. */
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { implement } from '@rondo/rpc/server';
import { runService } from '@rondo/service';

const number = BigInt(process.env.NUMBER ?? 0);
const calculator = implement(CalculatorDefinition, { add: ({ a }) => ({ result: number + a }) });
await runService({ name: 'calculator', port: 0, createApp: () => ({ services: [calculator] }) });
