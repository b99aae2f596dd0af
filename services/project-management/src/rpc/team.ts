import type { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import type { Handlers } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import type { Ports } from '../domain/ports.js';
import { createMember } from '../usecases/create-member.js';
import { getMember } from '../usecases/get-member.js';
import { listMembers } from '../usecases/list-members.js';
import { answered } from './errors.js';
import { readCreateMember, toMemberMessage } from './member-message.js';
import { readMemberName } from './names.js';
import { readPage, toPageToken } from './pages.js';

/** What answers `projects.v1.TeamService`. */
export function teamHandlers(ports: Ports): Handlers<typeof TeamServiceDefinition> {
  return {
    async createMember(message) {
      const { fields, key } = readCreateMember(message);
      return toMemberMessage(await answered(createMember(ports, fields, key)));
    },
    async getMember({ name }) {
      const id = validate((field) => readMemberName(field('name'), name));
      return toMemberMessage(await answered(getMember(ports, id)));
    },
    async listMembers(message) {
      const query = validate((field) => readPage(field, 'members', message));
      const { items, next } = await answered(listMembers(ports, query));
      return { members: items.map(toMemberMessage), nextPageToken: toPageToken('members', next) };
    },
  };
}
