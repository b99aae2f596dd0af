/** What clients and servers in other languages are made with, below .rondo/xds. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root, start } from '@rondo/harness';

const folder = path.join(root, '.rondo/xds');

/** The interpreter of a virtual environment with the packages of lab/xds/python. */
export async function pythonOf() {
  const python = path.join(folder, 'python/bin/python');
  const requirements = path.join(root, 'lab/xds/python/requirements.txt');
  const installed = path.join(folder, 'python/requirements.txt');
  const wanted = readFileSync(requirements, 'utf8');
  if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) {
    await run('python3', ['-m', 'venv', '--clear', path.join(folder, 'python')]);
    await run(python, ['-m', 'pip', 'install', '--quiet', '--requirement', requirements]);
    writeFileSync(installed, wanted);
  }
  return python;
}

/** The plugins of protoc for Go. */
export async function goPlugins() {
  const out = path.join(folder, 'bin');
  mkdirSync(out, { recursive: true });
  const names = ['google.golang.org/protobuf/cmd/protoc-gen-go', 'google.golang.org/grpc/cmd/protoc-gen-go-grpc'];
  for (const name of names) await run('go', ['build', '-o', out, name], { cwd: path.join(root, 'lab/clients/go') });
  return { go: path.join(out, 'protoc-gen-go'), grpc: path.join(out, 'protoc-gen-go-grpc') };
}

/** Makes the programs of a language. */
export async function prepareLanguage(language) {
  if (language === 'python') await pythonOf();
  if (language === 'go')
    for (const [name, source] of Object.entries({ client: '.', server: './server' }))
      await run('go', ['build', '-o', path.join(folder, `go-${name}`), source], { cwd: path.join(root, 'lab/xds/go') });
  if (language === 'java') await run('sh', [path.join(root, 'lab/java/build.sh')]);
}

/** Runs a program to its end. @throws Error with its output, if it fails. */
export async function run(program, args, options) {
  mkdirSync(folder, { recursive: true });
  const { code, stdout, stderr } = await start(program, args, options).ended;
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} has failed: ${stdout}${stderr}`);
  return stdout;
}
