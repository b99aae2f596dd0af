import type { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { idIn, nextPageToken, readList } from '@rondo/resources';
import type { Handlers } from '@rondo/rpc/server';
import { validate } from '@rondo/rpc/status';
import { memberNames, reservationNames } from '../domain/names.js';
import type { Ports } from '../domain/ports.js';
import {
  createMember,
  deleteMember,
  getMember,
  listMembers,
  undeleteMember,
  updateMember,
} from '../usecases/members.js';
import {
  createReservation,
  deleteReservation,
  getReservation,
  listMemberWeeks,
  listReservations,
} from '../usecases/reservations.js';
import { withRpcErrors } from './errors.js';
import { MEMBERS, readCreateMember, readDeleteMember, readUpdateMember, toMemberMessage } from './member-message.js';
import { readMemberName } from './names.js';
import {
  readCreateReservation,
  readListMemberWeeks,
  reservationsOf,
  toMemberWeekMessage,
  toReservationMessage,
} from './reservation-message.js';

/** The parent that lists the reservations of all members. */
const ALL_MEMBERS = 'members/-';

type TeamHandlers = Handlers<typeof TeamServiceDefinition>;

/** The handlers of `projects.v1.TeamService`. */
export function teamHandlers(ports: Ports): TeamHandlers {
  return { ...memberHandlers(ports), ...reservationHandlers(ports) };
}

function memberHandlers(ports: Ports) {
  return {
    async createMember(message) {
      return withRpcErrors(createMember(ports, readCreateMember(message), toMemberMessage));
    },
    async getMember({ name }) {
      const id = idIn(memberNames, name);
      return toMemberMessage(await withRpcErrors(getMember(ports, id)));
    },
    async listMembers(message) {
      const query = validate((field) => readList(field, MEMBERS, message));
      const { items, next } = await withRpcErrors(listMembers(ports, query));
      return { members: items.map(toMemberMessage), nextPageToken: nextPageToken(MEMBERS, message, next) };
    },
    async updateMember(message) {
      return toMemberMessage(await withRpcErrors(updateMember(ports, readUpdateMember(message))));
    },
    async deleteMember(message) {
      return toMemberMessage(await withRpcErrors(deleteMember(ports, readDeleteMember(message))));
    },
    async undeleteMember({ name }) {
      const id = idIn(memberNames, name);
      return toMemberMessage(await withRpcErrors(undeleteMember(ports, id)));
    },
  } satisfies Partial<TeamHandlers>;
}

function reservationHandlers(ports: Ports) {
  return {
    async createReservation(message) {
      return withRpcErrors(createReservation(ports, readCreateReservation(message), toReservationMessage));
    },
    async getReservation({ name }) {
      const id = idIn(reservationNames, name);
      return toReservationMessage(await withRpcErrors(getReservation(ports, id)));
    },
    async listReservations(message) {
      const { parent } = message;
      const list = reservationsOf(parent);
      const reservations = validate((field) => ({
        memberId: parent === ALL_MEMBERS ? undefined : readMemberName(field('parent'), parent),
        query: readList(field, list, message),
      }));
      const { items, next } = await withRpcErrors(listReservations(ports, reservations));
      return { reservations: items.map(toReservationMessage), nextPageToken: nextPageToken(list, message, next) };
    },
    async deleteReservation({ name }) {
      const id = idIn(reservationNames, name);
      await withRpcErrors(deleteReservation(ports, id));
      return {};
    },
    async listMemberWeeks(message) {
      const weeks = await withRpcErrors(listMemberWeeks(ports, readListMemberWeeks(message)));
      return { weeks: weeks.map(toMemberWeekMessage) };
    },
  } satisfies Partial<TeamHandlers>;
}
