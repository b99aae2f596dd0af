import { defineCommand } from '../command.js';
import { jsonOption } from '../options.js';
import { loadScaffold } from '../tree-work.js';

export const kubernetes = defineCommand({
  name: 'kubernetes',
  summary: 'Writes what runs the services on Kubernetes: a kustomize base, and overlays to begin with.',
  args: {},
  details: [
    'infra/kubernetes/base follows from the services and their contracts, as the last build has compiled them, and is written',
    'anew each time. The overlays are written once: they are yours. Services find each other by the EndpointSlices of their',
    "namespace, without Rondo's registry.",
  ].join('\n'),
  options: { ...jsonOption },
  examples: [
    ['kubernetes', 'Then: kubectl apply -k infra/kubernetes/overlays/development'],
    ['kubernetes --json', 'Which files it added, changed and removed, and what the overlays lack.'],
  ],
  async run(_, { repository }) {
    const { writeManifests } = await loadScaffold('kubernetes');
    const written = writeManifests(repository);
    const lines = Object.entries(written).flatMap(([what, some]) => some.map((file: string) => `${what}  ${file}\n`));
    const text = lines.length === 0 ? 'Nothing to do: the manifests are as the services are.\n' : lines.join('');
    return { json: written, text };
  },
});
