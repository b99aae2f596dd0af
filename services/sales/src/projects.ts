import { type Project, ProjectServiceDefinition, ProjectState } from '@rondo/contracts/projects/v1/projects';
import type { Principal } from '@rondo/rpc/call';
import { type Channel, type Client, createClient } from '@rondo/rpc/client';
import { RpcError, Status } from '@rondo/rpc/status';
import { ask } from './peers.js';

/**
 * A job goes on after the call that stored it, so it is done on behalf of this process. The process is in
 * no team: without `projects.admin` it would see no project, and would treat each as removed.
 */
const ITSELF: Principal = {
  subject: 'sales',
  issuer: 'sales',
  scopes: ['projects.read', 'projects.write', 'projects.admin'],
  actors: [],
};

type ProjectClient = Client<typeof ProjectServiceDefinition>;

/**
 * Archives projects at project management, which releases their reservations. An archived or deleted project stays as it is.
 *
 * @throws Unavailable
 */
export function createArchive(channel: Channel): (name: string) => Promise<void> {
  const client = createClient(ProjectServiceDefinition, { channel });
  return (name) => ask('project management', archive(client, name));
}

/** The state to take before ARCHIVED, for the states from which ARCHIVED isn't allowed. */
const STATE_BEFORE_ARCHIVED: Partial<Record<ProjectState, ProjectState>> = {
  [ProjectState.PROJECT_STATE_ACTIVE]: ProjectState.PROJECT_STATE_PLANNED,
};

async function archive(client: ProjectClient, name: string): Promise<void> {
  let project = await find(client, name);
  while (project !== undefined && project.deleteTime === undefined && !isArchived(project)) {
    const state = STATE_BEFORE_ARCHIVED[project.state] ?? ProjectState.PROJECT_STATE_ARCHIVED;
    project = await client.updateProject(
      { project: { name, state, etag: project.etag }, updateMask: ['state'] },
      { principal: ITSELF },
    );
  }
}

const isArchived = ({ state }: Project): boolean => state === ProjectState.PROJECT_STATE_ARCHIVED;

async function find(client: ProjectClient, name: string): Promise<Project | undefined> {
  try {
    return await client.getProject({ name }, { principal: ITSELF });
  } catch (error) {
    if (error instanceof RpcError && error.code === Status.NOT_FOUND) return undefined;
    throw error;
  }
}
