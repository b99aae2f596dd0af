/** Calls calculator.Calculator as Rondo's own clients do, as often a second as the second argument says; prints the answers of each second as JSON. */
import { CalculatorDefinition } from '@rondo/contracts/calculator/calculator';
import { createClient, createRegistryChannel } from '@rondo/rpc/client';

const [registry = '', rate = '100'] = process.argv.slice(2);
const { add } = createClient(CalculatorDefinition, { channel: createRegistryChannel({ registry: [registry] }) });
let counts = {};
setInterval(() => {
  console.log(JSON.stringify(counts));
  counts = {};
}, 1_000);
setInterval(async () => {
  const key = await add({}).then(
    ({ result }) => String(result),
    (error) => `${error.code} ${error.message}`,
  );
  counts[key] = (counts[key] ?? 0) + 1;
}, 1_000 / Number(rate));
