import { type Project, ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import type { Projects } from '../domain/ports.js';
import { ask } from './peers.js';
import { createHash } from 'node:crypto';

type ProjectClient = Client<typeof ProjectServiceDefinition>;

/** The project-management service. */
export function createProjects(channel: Channel): Projects {
  const client = createClient(ProjectServiceDefinition, { channel });
  return {
    async create({ quoteId, title, tasks }) {
      // The id follows from the quote: however often and by whomever this is called, there is one project.
      const request = { project: { title }, tasks: [...tasks], requestId: nameBasedUuid(quoteId) };
      const { name } = await ask('project management', client.createProject(request));
      return name;
    },
    archive: (name) => ask('project management', archive(client, name)),
  };
}

const ON_THE_WAY: Partial<Record<ProjectState, ProjectState>> = {
  // What is under way has to go back first.
  [ProjectState.PROJECT_STATE_ACTIVE]: ProjectState.PROJECT_STATE_PLANNED,
};

async function archive(client: ProjectClient, name: string): Promise<void> {
  let project = await find(client, name);
  while (project !== undefined && project.deleteTime === undefined && !isArchived(project)) {
    const state = ON_THE_WAY[project.state] ?? ProjectState.PROJECT_STATE_ARCHIVED;
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

/** Keeps these ids apart from any that others make of the same names: a UUID made once, at random. */
const NAMESPACE = Buffer.from('5dfc333641eb44f1b78e679a93a20527', 'hex');

/** The same UUID for the same name, always: version 5 of RFC 9562, section 5.5. */
export function nameBasedUuid(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name, 'utf8').digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
