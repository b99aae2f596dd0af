import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

/** The folder of the repository's contracts. */
export const PROTO = `${ROOT}proto`;

/** The folder of Google's published contracts. */
export const GOOGLE = `${ROOT}node_modules/google-proto-files`;

/** The descriptors of sample.proto, as the compiler makes them. */
export async function compileSample(): Promise<Uint8Array> {
  const google = 'node_modules/google-proto-files';
  const modules = [
    { path: 'packages/schema/test/dynamic' },
    { path: 'proto', includes: ['proto/rondo/options'] },
    { path: google, includes: [`${google}/google/rpc`], excludes: [`${google}/google/rpc/context`] },
  ];
  const config = JSON.stringify({ version: 'v2', modules });
  const args = ['build', '--config', config, '-o', '-#format=binpb'];
  const options = { cwd: ROOT, encoding: 'buffer', maxBuffer: 16 * 1024 * 1024 } as const;
  const { stdout } = await promisify(execFile)(`${ROOT}node_modules/.bin/buf`, args, options);
  return stdout;
}
