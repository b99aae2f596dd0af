import { describe, expect, it } from '@jest/globals';
import { type Neighbours, refuseConflicts } from './conflicts.js';
import type { PlacedFile } from './place.js';
import { scan } from './scan.js';

function placed(
  path: string,
  { state = 'new', text = '' }: { state?: PlacedFile['state']; text?: string } = {},
): PlacedFile {
  const bytes = Buffer.from(text);
  return { path, state, bytes, source: { path, file: `../api/${path}`, bytes, scan: scan(text) } };
}

/** Judges the first file with those it imports. */
function judge([asked, ...imports]: [PlacedFile, ...PlacedFile[]], neighbours: Partial<Neighbours> = {}): () => void {
  const options = { imports: new Map(), served: new Map(), provides: () => false, shown: (file: string) => file };
  return () => refuseConflicts({ asked, files: [asked, ...imports] }, { ...options, ...neighbours });
}

describe('a contract that gets along with the tree', () => {
  it('is new, or the newer version of one that no other service serves', () => {
    judge([placed('a/a.proto'), placed('b/b.proto', { state: 'same' })])();
    judge([placed('a/a.proto', { state: 'changed' })], { imports: new Map([['a/a.proto', []]]) })();
  });

  it('may bring newer versions of what it alone imports', () => {
    const imports = new Map([
      ['a/a.proto', ['a/b.proto']],
      ['a/b.proto', []],
    ]);
    judge([placed('a/a.proto', { state: 'changed' }), placed('a/b.proto', { state: 'changed' })], { imports })();
  });
});

describe('a contract that does not', () => {
  const served = new Map([['a/a.proto', 'adder']]);

  it('is served already', () => {
    expect(judge([placed('a/a.proto', { state: 'same' })], { served })).toThrow(
      '../api/a/a.proto: services/adder serves this contract already, and a call would go to either; ' +
        'change services/adder, or write a contract of another package',
    );
  });

  it("would take the place of another service's", () => {
    const expected =
      '../api/a/a.proto: would take the place of proto/a/a.proto, which services/adder serves; move it to a folder of its own';
    expect(judge([placed('a/a.proto', { state: 'changed' })], { served })).toThrow(expected);
    expect(judge([placed('b/b.proto'), placed('a/a.proto', { state: 'changed' })], { served })).toThrow(expected);
  });

  it('has another version of what another contract imports', () => {
    const imports = new Map([
      ['c/c.proto', ['b/b.proto']],
      ['b/b.proto', []],
    ]);
    expect(judge([placed('a/a.proto'), placed('b/b.proto', { state: 'changed' })], { imports })).toThrow(
      '../api/b/b.proto: differs from proto/b/b.proto, which c/c.proto imports; make the two one, or build with the one ' +
        'that is there: --proto-path proto --proto-path ../api',
    );
  });

  it('has another version of what another contract imports by a file that is the same', () => {
    const imports = new Map([
      ['c/c.proto', ['b/b.proto']],
      ['b/b.proto', ['deep/base.proto']],
      ['deep/base.proto', []],
    ]);
    const files = [placed('b/b.proto', { state: 'same' }), placed('deep/base.proto', { state: 'changed' })] as const;
    expect(judge([placed('a/a.proto'), ...files], { imports })).toThrow(
      '../api/deep/base.proto: differs from proto/deep/base.proto, which c/c.proto imports; make the two one',
    );
  });

  it.each([
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    'xds.service.orca.v3.OpenRcaService',
  ])('declares %s', (service) => {
    const dot = service.lastIndexOf('.');
    const text = `package ${service.slice(0, dot)};\n\nservice ${service.slice(dot + 1)} {}`;
    expect(judge([placed('a/a.proto', { text })])).toThrow(
      `../api/a/a.proto:3: every service serves ${service} already; leave it out`,
    );
  });

  it('comes with a package', () => {
    expect(judge([placed('google/longrunning/operations.proto')], { provides: () => true })).toThrow(
      '../api/google/longrunning/operations.proto: google/longrunning/operations.proto comes with a package, and nothing ' +
        'that does is copied to proto/; write a service by hand that implements what ' +
        '@rondo/contracts/google/longrunning/operations defines',
    );
  });

  it('differs from another in case alone', () => {
    expect(judge([placed('a/A.proto')], { imports: new Map([['a/a.proto', []]]) })).toThrow(
      '../api/a/A.proto: proto/a/A.proto and proto/a/a.proto differ in case alone, which not every file system can tell; rename one of them',
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
  ])('is called %s', (name, odd) => {
    expect(judge([placed(name)])).toThrow(
      `../api/${name}: no module can be called ${name.slice(0, -6)}, because of "${odd}"`,
    );
  });

  it.each(['a b.proto', 'my-api.proto', 'v1.2/x.y.proto', '1st.proto', 'ünï.proto', 'A/B.proto'])(
    "isn't called %s",
    (name) => {
      judge([placed(name)])();
    },
  );
});
