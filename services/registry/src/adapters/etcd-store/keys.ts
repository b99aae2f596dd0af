/** What stands in etcd, each kind in a folder of its own with one key an instance id. */
export type Folder = 'instances' | 'leases' | 'goodbyes' | 'operators' | 'refusals';

const FOLDERS: readonly string[] = ['instances', 'leases', 'goodbyes', 'operators', 'refusals'] satisfies Folder[];

/** What a key stands for; undefined for one of another version of this store. */
export type KeyName = 'epoch' | 'head' | { readonly folder: Folder; readonly instanceId: string } | undefined;

/** A range of keys, the end excluded. */
export interface KeyRange {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
}

/** Where the registry's keys are in etcd. */
export interface Keys {
  /** All of them. */
  readonly all: KeyRange;
  /** Which life of the registry this is. Written once. */
  readonly epoch: Buffer;
  /** Written with every change that watchers see: its revision is the registry's. */
  readonly head: Buffer;
  of(folder: Folder, instanceId: string): Buffer;
  parse(key: Buffer): KeyName;
}

/** The keys under a prefix. The version in them keeps a registry of another layout from misreading these. */
export function keysUnder(prefix: string): Keys {
  const base = `${prefix}/v1/`;
  return {
    all: { key: Buffer.from(base), rangeEnd: Buffer.from(`${prefix}/v10`) }, // '0' follows '/'
    epoch: Buffer.from(`${base}epoch`),
    head: Buffer.from(`${base}head`),
    of: (folder, instanceId) => Buffer.from(`${base}${folder}/${instanceId}`),
    parse(key) {
      const [name = '', instanceId] = key.toString().slice(base.length).split('/');
      if (instanceId === undefined) return name === 'epoch' || name === 'head' ? name : undefined;
      return isFolder(name) ? { folder: name, instanceId } : undefined;
    },
  };
}

function isFolder(name: string): name is Folder {
  return FOLDERS.includes(name);
}
