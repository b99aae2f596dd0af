import { ProjectServiceDefinition } from '@rondo/contracts/projects/v1/projects';
import { type Channel, createClient } from '@rondo/rpc/client';
import type { Projects } from '../domain/ports.js';
import { ask } from './peers.js';
import { nameBasedUuid } from './uuid.js';

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
  };
}
