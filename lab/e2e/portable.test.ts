import { describe, expect, it } from '@jest/globals';
import { alike, lacking, ofAShell, unusable } from '../portable.mjs';

it('names that Windows cannot have are found', () => {
  const files = ['a:b.ts', 'src/con.ts', 'a./b.ts', `${'long/'.repeat(40)}a.ts`];
  expect(unusable([...files, 'console.ts', 'a.b/.c'])).toEqual(files);
});

it('names that differ in case alone are found', () => {
  expect(alike(['docs/A.md', 'docs/a.md', 'docs/b.md'])).toEqual(['docs/a.md']);
});

it('scripts that only a Unix shell runs are found', () => {
  const lines = ['exec node a', 'CI=1 node a', "node 'a'", 'node $A', 'node a && node b "c"'];
  expect(ofAShell(Object.fromEntries(lines.entries()))).toEqual(lines.slice(0, -1));
});

describe('a lock file', () => {
  const [glibc, musl] = ['glibc', 'musl'].map((libc) => ({ os: ['linux'], cpu: ['x64'], libc: [libc] }));
  const others = ['darwin arm64', 'darwin x64', 'linux arm64', 'win32 x64'].map((platform) => {
    const [os = '', cpu = ''] = platform.split(' ');
    return { os: [os], cpu: [cpu] };
  });
  const lockOf = (builds: readonly (object | undefined)[]) => ({
    packages: Object.fromEntries(builds.map((build, index) => [`build-${index}@1`, build ?? {}])),
    snapshots: {
      'a@1': { optionalDependencies: Object.fromEntries(builds.map((_, index) => [`build-${index}`, '1'])) },
    },
  });

  it('with programs for every platform is whole', () => {
    expect(lacking(lockOf([glibc, musl, ...others]))).toEqual([]);
  });

  it('without a program for musl is found', () => {
    expect(lacking(lockOf([glibc, ...others]))).toEqual(['a@1: linux x64 musl']);
  });

  it('without a program for a platform is found', () => {
    expect(lacking(lockOf([glibc, musl, ...others.slice(1)]))).toEqual(['a@1: darwin arm64']);
  });
});
