import { afterEach, expect, it } from '@jest/globals';
import { agentAt, gatewayOfAgents } from './support/agents.js';
import { catalogueOf, wellKnownFiles } from './support/catalogues.js';
import { fileOf } from './support/files.js';
import { closeAll } from './support/listening.js';

afterEach(closeAll);

it('agents get a list of 10,000 tools in pages, in a stable order', async () => {
  const policy = { tool: { name: '', description: 'Reads something.', confirm: false } };
  const methodsOf = (service: number) =>
    Object.fromEntries(
      Array.from({ length: 1_000 }, (_, index) => [`S${service}Get${index}`, { fields: {}, safe: true, policy }]),
    );
  const files = Array.from({ length: 10 }, (_, service) => fileOf(`p${service}.v1.S`, methodsOf(service)));
  const { services } = catalogueOf([...wellKnownFiles, ...files]);
  const { url } = await gatewayOfAgents({ services, backend: () => Promise.reject(new Error('not called')) });
  const { tools } = await (await agentAt(url)).listTools();
  const names = tools.map(({ name }) => name);
  expect(names).toHaveLength(10_000);
  expect(names).toEqual([...new Set(names)].sort());
});
