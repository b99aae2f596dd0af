import type { Blueprint } from './blueprint.js';

/** The manifest: what the service is to the workspace, and to those who start it. */
export function renderPackageJson({ name, port, contracts, database }: Blueprint): string {
  const owns = database !== undefined;
  const packages = ['contracts', ...(owns ? ['database'] : []), 'rpc', 'service'];
  const manifest = {
    name: `@rondo/service-${name}`,
    version: '0.1.0',
    private: true,
    license: 'Apache-2.0',
    type: 'module',
    files: ['dist', ...(owns ? ['migrations'] : [])],
    rondo: { port, ...(owns && { database }), contracts },
    dependencies: Object.fromEntries(packages.map((dependency) => [`@rondo/${dependency}`, 'workspace:*'])),
  };
  return `${JSON.stringify(manifest, undefined, 2)}\n`;
}

/** What the compiler is told. */
export function renderTsconfig({ database }: Blueprint): string {
  const packages = ['contracts', 'rpc', ...(database === undefined ? [] : ['database']), 'service'];
  const references = packages.map((name) => `    { "path": "../../packages/${name}" }`);
  return `{
  "extends": "../../tsconfig.base.json",
  "compilerOptions": { "rootDir": "src", "outDir": "dist", "tsBuildInfoFile": "dist/.tsbuildinfo" },
  "include": ["src"],
  "exclude": ["src/**/*.test.ts"],
  "references": [
${references.join(',\n')}
  ]
}
`;
}

/** The process. */
export function renderMain({ name, port, database }: Blueprint): string {
  const variables = database === undefined ? '' : ' variables,';
  return [
    "import { runService } from '@rondo/service';",
    "import { createApp } from './app.js';",
    ...(database === undefined ? [] : ["import { variables } from './config.js';"]),
    '',
    `await runService({ name: '${name}', port: ${port},${variables} createApp });`,
    '',
  ].join('\n');
}
