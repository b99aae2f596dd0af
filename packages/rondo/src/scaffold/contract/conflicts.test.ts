import { describe, expect, it } from '@jest/globals';
import { type Neighbours, refuseConflicts } from './conflicts.js';
import type { PlacedFile } from './source.js';

const placed = (path: string, { state = 'new' }: { state?: PlacedFile['state'] } = {}): PlacedFile => ({
  path,
  state,
  bytes: Buffer.from(''),
  file: `../api/${path}`,
});

/** Checks the first file together with its imports. */
function check([asked, ...imports]: [PlacedFile, ...PlacedFile[]], neighbours: Partial<Neighbours> = {}): () => void {
  const options = { imports: new Map(), served: new Map(), provides: () => false };
  const contract = { asked, files: [asked, ...imports], shown: (file: string) => file };
  return () => refuseConflicts(contract, { ...options, ...neighbours });
}

describe('a contract without conflicts', () => {
  it('is new, or a newer version of one that no other service serves', () => {
    check([placed('a/a.proto'), placed('b/b.proto', { state: 'same' })])();
    check([placed('a/a.proto', { state: 'changed' })], { imports: new Map([['a/a.proto', []]]) })();
  });

  it('may bring newer versions of files that only it imports', () => {
    const imports = new Map([
      ['a/a.proto', ['a/b.proto']],
      ['a/b.proto', []],
    ]);
    check([placed('a/a.proto', { state: 'changed' }), placed('a/b.proto', { state: 'changed' })], { imports })();
  });
});

describe('a contract with a conflict', () => {
  const served = new Map([['a/a.proto', 'adder']]);

  it('is served already', () => {
    expect(check([placed('a/a.proto', { state: 'same' })], { served })).toThrow(
      '../api/a/a.proto: services/adder serves this contract already, and calls would go to either service; ' +
        'change services/adder, or write a contract in another package',
    );
  });

  it("would replace another service's contract", () => {
    const expected =
      '../api/a/a.proto: would replace proto/a/a.proto, which services/adder serves; move it to a folder of its own';
    expect(check([placed('a/a.proto', { state: 'changed' })], { served })).toThrow(expected);
    expect(check([placed('b/b.proto'), placed('a/a.proto', { state: 'changed' })], { served })).toThrow(expected);
  });

  it('has another version of a file that another contract imports', () => {
    const imports = new Map([
      ['c/c.proto', ['b/b.proto']],
      ['b/b.proto', []],
    ]);
    expect(check([placed('a/a.proto'), placed('b/b.proto', { state: 'changed' })], { imports })).toThrow(
      '../api/b/b.proto: differs from proto/b/b.proto, which c/c.proto imports; merge the two, or build with the existing ' +
        'one: --proto-path proto --proto-path ../api',
    );
  });

  it('has another version of a file that another contract imports through an unchanged file', () => {
    const imports = new Map([
      ['c/c.proto', ['b/b.proto']],
      ['b/b.proto', ['deep/base.proto']],
      ['deep/base.proto', []],
    ]);
    const files = [placed('b/b.proto', { state: 'same' }), placed('deep/base.proto', { state: 'changed' })] as const;
    expect(check([placed('a/a.proto'), ...files], { imports })).toThrow(
      '../api/deep/base.proto: differs from proto/deep/base.proto, which c/c.proto imports; merge the two',
    );
  });

  it('comes with a package', () => {
    expect(check([placed('google/longrunning/operations.proto')], { provides: () => true })).toThrow(
      '../api/google/longrunning/operations.proto: google/longrunning/operations.proto comes with a package, and such ' +
        'files are not copied to proto/; write a service by hand that implements ' +
        '@rondo/contracts/google/longrunning/operations',
    );
  });

  it('differs from another contract only in case', () => {
    expect(check([placed('a/A.proto')], { imports: new Map([['a/a.proto', []]]) })).toThrow(
      '../api/a/A.proto: proto/a/A.proto and proto/a/a.proto differ only in case, which not every file system distinguishes; rename one of them',
    );
  });

  it.each([
    ['a/b#c.proto', '#'],
    ['a/50%.proto', '%'],
    ['why?.proto', '?'],
    ["o'clock.proto", "'"],
    ['.hidden.proto', '.hidden.proto'],
    ['a/.hidden/b.proto', '/.hidden/'],
    ['a/b.test.proto', '.test.proto'],
    ['a/b.d.proto', '.d.proto'],
    ['node_modules/x/y.proto', 'node_modules/'],
  ])('is named %s', (name, odd) => {
    expect(check([placed(name)])).toThrow(
      `../api/${name}: no module can be named ${name.slice(0, -6)}, because of "${odd}"`,
    );
  });

  it.each(['a b.proto', 'my-api.proto', 'v1.2/x.y.proto', '1st.proto', 'ünï.proto', 'A/B.proto'])(
    'does not include the name %s',
    (name) => {
      check([placed(name)])();
    },
  );
});
