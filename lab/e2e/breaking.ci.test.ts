import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { root, runNode, start } from '@rondo/harness';
import { toolModule } from './src/tool-module.js';

/** A contract of Rondo's own, which stays if the samples go. */
const CONTRACT = 'proto/rondo/conformance/v1/adder.proto';
const COMMIT = ['-c', 'user.name=CI', '-c', 'user.email=ci@rondo.example', 'commit', '--quiet', '--message=Contracts'];

describe.each([
  ['main', 'of a repository', ''],
  ['master', 'of a folder of a repository', 'apps/shop'],
])('a contract that is published on %s %s', (branch, _where, below) => {
  let module: string;
  const repository = mkdtempSync(join(tmpdir(), 'rondo-contracts-'));
  const tree = join(repository, below);
  const git = (...args: readonly string[]) => start('git', ['-C', tree, ...args]).ended;
  afterAll(() => rmSync(repository, { recursive: true, force: true }));
  beforeAll(async () => {
    mkdirSync(tree, { recursive: true });
    await start('git', ['init', '--quiet', `--initial-branch=${branch}`, repository]).ended;
    writeFileSync(join(repository, '.git/info/exclude'), 'packages\nplugins\nnode_modules\nservices\n');
    for (const part of ['proto', 'buf.yaml']) cpSync(join(root, part), join(tree, part), { recursive: true });
    mkdirSync(join(tree, 'packages/rondo'), { recursive: true });
    const packages = readdirSync(join(root, 'packages')).filter((name) => name !== 'rondo');
    const linked = [...packages.map((name) => `packages/${name}`), 'packages/rondo/node_modules'];
    for (const part of ['node_modules', 'plugins', 'services', ...linked])
      symlinkSync(join(root, part), join(tree, part));
    module = await toolModule('check/breaking.ts', tree);
    await git('add', 'proto', 'buf.yaml');
    expect(await git(...COMMIT)).toMatchObject({ code: 0, stderr: '' });
  });

  /** Compares the contracts with main's, as `npm run check` does, after a change of one. */
  async function compared(before: string, after: string) {
    const published = readFileSync(join(root, CONTRACT), 'utf8');
    expect(published).toContain(before);
    writeFileSync(join(tree, CONTRACT), published.replace(before, after));
    const script = `import { main } from ${JSON.stringify(module)}; process.exitCode = await main();`;
    return runNode(['--input-type=module', '--eval', script], { cwd: tree });
  }

  it('may get a field, and may not lose or change one', async () => {
    const added = await compared('int64 b = 2;', 'int64 b = 2;\n  int64 c = 3;');
    expect(added).toMatchObject({ code: 0, stdout: '' });
    const changed = await compared('int64 b = 2;', 'string b = 2;');
    expect(changed).toMatchObject({ code: 100, stdout: expect.stringContaining('Field "2" with name "b"') });
    const removed = await compared('int64 b = 2;', '');
    expect(removed).toMatchObject({ code: 100, stdout: expect.stringContaining('field "2" with name "b"') });
    expect(removed.stdout).toContain(
      'If no client needs it any more, name the\nfile under breaking: ignore: in buf.yaml',
    );
  });

  it('is a changed file, whose tests npm test -- --changed looks for', async () => {
    await compared('int64 b = 2;', 'int64 b = 2;\n  int64 c = 3;');
    if (below !== '') writeFileSync(join(repository, 'elsewhere'), 'changed');
    const changed = await toolModule('jest/changed.ts', tree);
    const script = `
      import { changedTests } from ${JSON.stringify(changed)};
      console.log('ASKED', JSON.stringify((await changedTests()).files));`;
    const { stdout } = await runNode(['--input-type=module', '--eval', script], { cwd: tree });
    const [, asked = ''] = /^ASKED (\[.+\])$/m.exec(stdout) ?? [];
    expect(JSON.parse(asked)).toContain(join(tree, 'packages/contracts/src/rondo/conformance/v1/adder.ts'));
    expect(asked).not.toContain('elsewhere');
  });

  it('is compared with what origin has, although the change is committed here', async () => {
    await git('update-ref', `refs/remotes/origin/${branch}`, 'HEAD');
    await compared('int64 b = 2;', 'int64 c = 2;');
    await git('add', 'proto');
    await git(...COMMIT);
    await git(...COMMIT, '--allow-empty');
    const renamed = await compared('int64 b = 2;', 'int64 c = 2;');
    expect(renamed).toMatchObject({ code: 100, stdout: expect.stringContaining('"2" with name "c"') });
  });
});
