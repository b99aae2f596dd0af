/** The kinds of keys in etcd. Each kind has a folder with one key for each instance id. */
export type Folder = (typeof FOLDERS)[number];

/** All of {@link Folder}, in the order in which a transaction reads them. */
export const FOLDERS = ['instances', 'leases', 'goodbyes', 'operators', 'refusals'] as const;

/** What a key means; undefined for a key of another version of this store. */
export type KeyName = 'epoch' | 'head' | { readonly folder: Folder; readonly instanceId: string } | undefined;

/** A range of keys; the end is excluded. */
export interface KeyRange {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
}

/** The layout of the registry's keys in etcd. */
export interface Keys {
  /** The range of the settings, which are no part of the instances' state. */
  readonly settings: KeyRange;
  /** The key of a setting; `id` has its service and its key. */
  setting(id: string): Buffer;
  readonly all: KeyRange;
  /** Holds the epoch of the registry. It is written once. */
  readonly epoch: Buffer;
  /** Written with every change that watchers see. Its revision is the registry's revision. */
  readonly head: Buffer;
  of(folder: Folder, instanceId: string): Buffer;
  parse(key: Buffer): KeyName;
}

/** The keys under a prefix. They contain a version, so that a registry with another layout can't misread them. */
export function keysUnder(prefix: string): Keys {
  const base = `${prefix}/v1/`;
  return {
    all: { key: Buffer.from(base), rangeEnd: Buffer.from(`${prefix}/v10`) }, // '0' follows '/'
    settings: { key: Buffer.from(`${base}settings/`), rangeEnd: Buffer.from(`${base}settings0`) },
    setting: (id) => Buffer.from(`${base}settings/${id}`),
    epoch: Buffer.from(`${base}epoch`),
    head: Buffer.from(`${base}head`),
    of: (folder, instanceId) => Buffer.from(`${base}${folder}/${instanceId}`),
    parse(key) {
      const [name = '', ...rest] = key.toString().slice(base.length).split('/');
      // The identity behind an id may have a slash.
      const instanceId = rest.join('/');
      if (rest.length === 0) return name === 'epoch' || name === 'head' ? name : undefined;
      return isFolder(name) ? { folder: name, instanceId } : undefined;
    },
  };
}

function isFolder(name: string): name is Folder {
  return FOLDERS.some((folder) => folder === name);
}
