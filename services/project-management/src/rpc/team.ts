import { watchOf } from '@rondo/access';
import type { TeamServiceDefinition } from '@rondo/contracts/projects/v1/team';
import { idIn, nextPageToken, readList } from '@rondo/resources';
import { type Handlers, reading } from '@rondo/rpc/server';
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
import { streamWithRpcErrors, withRpcErrors } from './errors.js';
import {
  MEMBERS,
  readCreateMember,
  readDeleteMember,
  readUpdateMember,
  toMemberMessage,
  toMembersEventMessage,
} from './member-message.js';
import {
  memberWatched,
  readCreateReservation,
  readListMemberWeeks,
  readListReservations,
  toMemberWeekMessage,
  toReservationMessage,
  toReservationsEventMessage,
} from './reservation-message.js';

type TeamHandlers = Handlers<typeof TeamServiceDefinition>;

/** The handlers of `projects.v1.TeamService`. */
export function teamHandlers(ports: Ports): TeamHandlers {
  return { ...memberHandlers(ports), ...reservationHandlers(ports) };
}

function memberHandlers(ports: Ports) {
  return {
    createMember: reading(readCreateMember, (fields) => withRpcErrors(createMember(ports, fields, toMemberMessage))),
    async getMember({ name }) {
      const id = idIn(memberNames, name);
      return toMemberMessage(await withRpcErrors(getMember(ports, id)));
    },
    async listMembers(message) {
      const query = validate((field) => readList(field, MEMBERS, message));
      const { items, next } = await withRpcErrors(listMembers(ports, query));
      return { members: items.map(toMemberMessage), nextPageToken: nextPageToken(MEMBERS, message, next) };
    },
    watchMembers: (request, call) =>
      streamWithRpcErrors(ports.feeds.members.watch(watchOf(request, call)), toMembersEventMessage),
    updateMember: reading(readUpdateMember, async (change) => {
      return toMemberMessage(await withRpcErrors(updateMember(ports, change)));
    }),
    deleteMember: reading(readDeleteMember, async (deletion) => {
      return toMemberMessage(await withRpcErrors(deleteMember(ports, deletion)));
    }),
    async undeleteMember({ name }) {
      const id = idIn(memberNames, name);
      return toMemberMessage(await withRpcErrors(undeleteMember(ports, id)));
    },
  } satisfies Partial<TeamHandlers>;
}

function reservationHandlers(ports: Ports) {
  return {
    createReservation: reading(readCreateReservation, (fields) => {
      return withRpcErrors(createReservation(ports, fields, toReservationMessage));
    }),
    async getReservation({ name }) {
      const id = idIn(reservationNames, name);
      return toReservationMessage(await withRpcErrors(getReservation(ports, id)));
    },
    listReservations: reading(readListReservations, async ({ tokenOf, ...reservations }) => {
      const { items, next } = await withRpcErrors(listReservations(ports, reservations));
      return { reservations: items.map(toReservationMessage), nextPageToken: tokenOf(next) };
    }),
    watchReservations: (request, call) =>
      streamWithRpcErrors(
        ports.feeds.reservations.watch(watchOf(request, call, memberWatched(request))),
        toReservationsEventMessage,
      ),
    async deleteReservation({ name }) {
      const id = idIn(reservationNames, name);
      await withRpcErrors(deleteReservation(ports, id));
      return {};
    },
    listMemberWeeks: reading(readListMemberWeeks, async (query) => {
      const weeks = await withRpcErrors(listMemberWeeks(ports, query));
      return { weeks: weeks.map(toMemberWeekMessage) };
    }),
  } satisfies Partial<TeamHandlers>;
}
