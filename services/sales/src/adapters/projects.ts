import { createHash } from 'node:crypto';
import { type Project, ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Projects } from '../domain/ports.js';
import { ask } from './peers.js';

type ProjectClient = Client<typeof ProjectServiceDefinition>;

/** A client of project management. */
export function createProjects(channel: Channel): Projects {
  const client = createClient(ProjectServiceDefinition, { channel });
  return {
    async create({ quoteId, title, tasks }) {
      // The request id is derived from the quote's id, so repeated calls create one project.
      const request = { project: { title }, tasks: [...tasks], requestId: nameBasedUuid(quoteId) };
      const { name } = await ask('project management', client.createProject(request));
      return name;
    },
    archive: (name) => ask('project management', archive(client, name)),
  };
}

/** The state to take before ARCHIVED, for the states from which ARCHIVED isn't allowed. */
const STATE_BEFORE_ARCHIVED: Partial<Record<ProjectState, ProjectState>> = {
  [ProjectState.PROJECT_STATE_ACTIVE]: ProjectState.PROJECT_STATE_PLANNED,
};

async function archive(client: ProjectClient, name: string): Promise<void> {
  let project = await find(client, name);
  while (project !== undefined && project.deleteTime === undefined && !isArchived(project)) {
    const state = STATE_BEFORE_ARCHIVED[project.state] ?? ProjectState.PROJECT_STATE_ARCHIVED;
    project = await client.updateProject({ project: { name, state, etag: project.etag }, updateMask: ['state'] });
  }
}

const isArchived = ({ state }: Project): boolean => state === ProjectState.PROJECT_STATE_ARCHIVED;

async function find(client: ProjectClient, name: string): Promise<Project | undefined> {
  try {
    return await client.getProject({ name });
  } catch (error) {
    if (error instanceof RpcError && error.code === Status.NOT_FOUND) return undefined;
    throw error;
  }
}

/** A random UUID. As a namespace it keeps these ids distinct from other name-based ids of the same names. */
const NAMESPACE = Buffer.from('5dfc333641eb44f1b78e679a93a20527', 'hex');

/** The UUID of a name: version 5 of RFC 9562, section 5.5. The same name always gives the same UUID. */
export function nameBasedUuid(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
