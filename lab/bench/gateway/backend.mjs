// The service behind the gateway, as `runService` runs one: a calculator that doesn't compute.
import { CalculatorServiceDefinition } from '@rondo/contracts/calculator/v1/calculator';
import { standIn } from '@rondo/rpc/testing';
import { runService } from '@rondo/service';

const calculator = standIn(CalculatorServiceDefinition, {
  add: ({ a, b }) => ({ result: a + b }),
  evaluate: ({ expression }) => ({ result: { value: expression } }),
});

await runService({ name: 'backend', port: 50098, createApp: () => ({ services: [calculator] }) });
