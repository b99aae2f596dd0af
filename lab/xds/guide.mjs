/** Runs what docs/guides/other-languages.md shows: its servers by `rondo join`, and its clients by the registry's xDS. */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, start, startRegistry } from '@rondo/harness';
import { goPlugins, pythonOf, run } from './tools.mjs';

const folder = path.join(root, '.rondo/xds/guide');
const AGENT = path.join(root, 'packages/rondo/dist/join.mjs');
const SERVICE = 'helloworld.Greeter';
const MAX_RUNS = 5;

/** Resolves to the exit code. */
export async function runGuide() {
  rmSync(folder, { recursive: true, force: true });
  for (const [, file = '', text = ''] of readFileSync(
    path.join(root, 'docs/guides/other-languages.md'),
    'utf8',
  ).matchAll(/^```(?:proto|python|go) (\S+)\n(.*?)^```$/gms)) {
    if (text.trimEnd().split('\n').length > 60) throw new Error(`${file} has more than 60 lines`);
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), text);
  }
  const python = await pythonOf();
  await generate(python);
  for (const file of ['go.mod', 'go.sum']) cpSync(path.join(root, 'lab/xds/go', file), path.join(folder, file));
  const module = readFileSync(path.join(folder, 'go.mod'), 'utf8');
  writeFileSync(path.join(folder, 'go.mod'), module.replace(/^module .*/, 'module example.com/hello'));
  for (const name of ['server', 'client'])
    await run('go', ['build', '-o', `bin/${name}`, `./${name}`], { cwd: folder });
  const registry = await startRegistry({ warmingMs: 0 });
  const env = { RONDO_REGISTRY: registry.address, GRPC_XDS_BOOTSTRAP: path.join(folder, 'xds.json') };
  const bootstrap = await run(process.execPath, ['scripts/rondo.mjs', 'xds', 'bootstrap'], { env });
  writeFileSync(env.GRPC_XDS_BOOTSTRAP, bootstrap);
  const inFolder = { cwd: folder, env };
  const join = [AGENT, 'join', '--service', SERVICE, '--address', '127.0.0.1:0', '--'];
  const agents = [[python, 'server.py'], ['bin/server']].map((command) =>
    start(process.execPath, [...join, ...command], inFolder),
  );
  try {
    await Promise.all(agents.map((agent) => agent.printed(/takes calls/)));
    for (const [program, ...args] of [[python, 'client.py'], [path.join(folder, 'bin/client')]]) {
      const wanted = ['Hello Ada, from Go', 'Hello Ada, from Python'];
      const seen = new Set();
      // A run may make all of its calls before the second connection stands.
      for (let runs = 0; runs < MAX_RUNS && seen.size < wanted.length; runs += 1)
        for (const line of (await run(program, [...args, 'Ada'], inFolder)).trim().split('\n')) seen.add(line);
      console.log(`${path.basename(program)} ${args.join(' ')}: ${[...seen].join('; ')}`);
      if ([...seen].sort().join() !== wanted.join()) return 1;
    }
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
    await registry.stop();
  }
  return 0;
}

async function generate(python) {
  const { go, grpc } = await goPlugins();
  const plugins = [`--plugin=protoc-gen-go=${go}`, `--plugin=protoc-gen-go-grpc=${grpc}`];
  const own = 'module=example.com/hello';
  const forGo = ['--go_out=.', `--go_opt=${own}`, '--go-grpc_out=.', `--go-grpc_opt=${own}`];
  const out = [...forGo, '--python_out=.', '--grpc_python_out=.'];
  await run(python, ['-m', 'grpc_tools.protoc', '-I.', ...plugins, ...out, 'helloworld.proto'], { cwd: folder });
}
